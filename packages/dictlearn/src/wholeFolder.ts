import { randomUUID } from "node:crypto";
import { renameSync, rmSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { makeFolder } from "@dictlearn/hub";
import { syncFolder } from "./wholeFile.js";

/**
 * Writes a folder whole or not at all: beside, then renamed. A folder that was there goes when the new one is whole.
 * @param write puts its files into the folder that it is given
 */
export async function writeWholeFolder(path: string, write: (folder: string) => Promise<void>): Promise<void> {
  const folder = resolve(path);
  await makeFolder(dirname(folder));
  const beside = join(dirname(folder), `.${basename(folder)}.${randomUUID()}.part`);
  const removeAtExit = () => rmSync(beside, { recursive: true, force: true });
  process.once("exit", removeAtExit);
  try {
    const fresh = join(beside, "new");
    await mkdir(fresh, { recursive: true });
    await write(fresh);
    await syncFolder(fresh);
    exchange(folder, { fresh, before: join(beside, "before") });
    await syncFolder(dirname(folder));
  } finally {
    await rm(beside, { recursive: true, force: true });
    process.off("exit", removeAtExit);
  }
}

/** Without a pause in which the process could be told to end. */
function exchange(folder: string, { fresh, before }: { fresh: string; before: string }): void {
  let moved = false;
  try {
    renameSync(folder, before);
    moved = true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error; // there was none
  }
  try {
    renameSync(fresh, folder);
  } catch (error) {
    if (moved) renameSync(before, folder);
    throw error;
  }
}
