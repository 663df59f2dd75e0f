import { makeFolder } from "@dictlearn/hub";
import { appendFile, open, rename, rm, stat, truncate } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { getSystemErrorMap } from "node:util";
import { DictlearnError } from "./error.js";

/**
 * Writes a file whole or not at all, also after a loss of power: beside, synced and renamed.
 * @throws IO with the path; what was there stays, and nothing else
 */
export async function writeWhole(path: string, pieces: Iterable<string | Uint8Array>): Promise<void> {
  const beside = `${path}.part`;
  try {
    const file = await open(beside, "w");
    try {
      for (const piece of pieces) await file.writeFile(piece); // goes on where the last one ended
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined); // on a full disk it is in the way
    throw writingFailed(path, error);
  }
}

/** Adds to a file, or leaves it as it is: a full disk takes half a line. @throws IO with the path */
export async function appendWhole(path: string, data: string | Uint8Array): Promise<void> {
  const before = await stat(path).then(({ size }) => size, () => 0);
  try {
    await appendFile(path, data);
  } catch (error) {
    await truncate(path, before).catch(() => undefined);
    throw writingFailed(path, error);
  }
}

/** Makes renames last. Windows has no such thing for folders. @throws IO with the path */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  try {
    const folder = await open(path);
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    throw writingFailed(path, error);
  }
}

/** Makes a folder, with those above it, that lasts as the files in it do. @returns the first that was made @throws IO with the path */
export async function makeLastingFolder(path: string): Promise<string | undefined> {
  const made = await makeFolder(path).catch((error) => {
    throw writingFailed(path, error);
  });
  if (made !== undefined) for (let folder = resolve(path); folder.length >= made.length; folder = dirname(folder)) await syncFolder(dirname(folder));
  return made;
}

/** What the disk said, with the file that it is about; anything else as it is. */
export function writingFailed(path: string, error: unknown): unknown {
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  if (error instanceof DictlearnError || code === undefined || syscall === undefined) return error;
  const got = getSystemErrorMap().get(errno ?? 0)?.[1];
  return new DictlearnError("IO", `${path}: expected to write it, got ${[code, got].filter(Boolean).join(", ")}`, code === "ENOSPC" || code === "EDQUOT" ? "free some room" : undefined, { cause: error });
}
