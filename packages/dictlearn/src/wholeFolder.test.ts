import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { writeWholeFolder } from "./wholeFolder.js";

let here: string;
beforeEach(() => void (here = mkdtempSync(join(tmpdir(), "whole-folder-"))));
afterEach(() => rmSync(here, { recursive: true, force: true }));

const put = (name: string, text: string) => (folder: string) => writeFile(join(folder, name), text);

test("a folder is there when all of it is, with the folders above it", async () => {
  const path = join(here, "above/new");
  await writeWholeFolder(path, async (folder) => {
    await put("a", "1")(folder);
    expect(existsSync(path)).toBe(false);
    await put("b", "2")(folder);
  });
  expect([readdirSync(join(here, "above")), readdirSync(path)]).toEqual([["new"], ["a", "b"]]);
});

test("one that was there is replaced, and stays if writing fails; nothing is left beside", async () => {
  mkdirSync(join(here, "old"));
  writeFileSync(join(here, "old/a"), "0");
  await expect(writeWholeFolder(join(here, "old"), async (folder) => {
    await put("b", "1")(folder);
    throw new Error("no room");
  })).rejects.toThrow("no room");
  expect([readdirSync(here), readdirSync(join(here, "old"))]).toEqual([["old"], ["a"]]);
  await writeWholeFolder(join(here, "old"), put("b", "1"));
  expect([readdirSync(here), readdirSync(join(here, "old")), readFileSync(join(here, "old/b"), "utf8")]).toEqual([["old"], ["b"], "1"]);
});

test("a process that ends on the way leaves what was there, and nothing else", async () => {
  mkdirSync(join(here, "old"));
  writeFileSync(join(here, "old/a"), "0");
  const module = new URL("../dist/wholeFolder.js", import.meta.url).href;
  const code = `process.on("SIGTERM", () => process.exit(143));
    const { writeWholeFolder } = await import(${JSON.stringify(module)});
    await writeWholeFolder(${JSON.stringify(join(here, "old"))}, () => new Promise(() => { process.stdout.write("begun"); setInterval(() => {}, 1e6); }));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  expect(readdirSync(here).length).toBe(2);
  child.kill("SIGTERM");
  await once(child, "exit");
  expect([readdirSync(here), readdirSync(join(here, "old"))]).toEqual([["old"], ["a"]]);
});
