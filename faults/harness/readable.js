import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openSafetensors, openTorch, memorySource } from "@dictlearn/checkpoint";
import { RunDirectory } from "dictlearn";

/** What is still being written: its name says so. */
const isPart = (path) => path.split("/").some((name) => name.endsWith(".part")) || /(^|\/)\.lock$|\.lock$/.test(path);

/** The files below a folder, by their paths in it, sorted; those that are being written included. */
export async function filesIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1)).sort();
}

/**
 * Every file below a folder that bears its final name is whole: it is read to its end.
 * @param options.torn whether the last line of a log may be cut short, as a loss of power may leave it
 */
export async function expectReadable(folder, { torn = false } = {}) {
  for (const path of await filesIn(folder)) {
    if (isPart(path)) continue;
    const bytes = await readFile(join(folder, path));
    const read = readers[/\.[^.]+$/.exec(path)?.[0]];
    await read?.(bytes, path, torn);
  }
}

/** The state of a run, if it has one, is whole. @returns its step */
export async function expectState(folder) {
  if (!(await filesIn(folder)).includes("state/latest")) return undefined;
  return (await new RunDirectory(folder).readState()).state.step;
}

const readers = {
  ".json": (bytes) => JSON.parse(bytes),
  ".jsonl": (bytes, path, torn) => {
    const lines = bytes.toString().split("\n");
    for (const line of lines.slice(0, -1)) JSON.parse(line);
    if (!torn) assert.equal(lines.at(-1), "", path);
  },
  ".csv": (bytes, path, torn) => torn || assert.match(bytes.toString(), /\n$/, path),
  ".html": (bytes) => assert.match(bytes.toString(), /<\/html>\s*$/),
  ".pt": async (bytes, path) => readAll(await openTorch(memorySource(bytes, path))),
  ".safetensors": async (bytes, path) => readAll(await openSafetensors(memorySource(bytes, path))),
};

async function readAll(file) {
  for (const name of file.names) await file.read(name);
}
