import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { open, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { CommandError } from "./commandError.js";
import { resolvePath } from "./resolvePath.js";

export interface AtomicWriter {
  write(chunk: string | Uint8Array): Promise<void>;
  /** Puts the whole file in its place. Until then whatever was there stays. */
  commit(): Promise<void>;
  /** Leaves no trace; after a commit, nothing. `await using` calls it. */
  discard(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A file that appears whole or not at all: written beside, synced, renamed; also gone if the process exits before. */
export async function atomicWriter(file: string): Promise<AtomicWriter> {
  const { path, mode, special } = await target(resolvePath(file));
  const beside = special ? path : join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  const handle = await opened(beside, path);
  const removeAtExit = () => rmSync(beside, { force: true });
  if (!special) process.once("exit", removeAtExit);
  let settled = false;

  async function discard(): Promise<void> {
    if (settled) return;
    settled = true;
    await handle.close().catch(() => {});
    if (!special) await rm(beside, { force: true });
    process.off("exit", removeAtExit);
  }

  return {
    write: (chunk) => handle.writeFile(chunk), // continues where the last one ended
    async commit() {
      if (!special) {
        if (mode !== undefined) await handle.chmod(mode);
        await handle.sync();
      }
      await handle.close();
      if (!special) await rename(beside, path);
      settled = true;
      process.off("exit", removeAtExit);
    },
    discard,
    [Symbol.asyncDispose]: discard,
  };
}

/** Where a path leads: through links, and whether it is a device or pipe (/dev/null), which is written, never replaced. */
async function target(path: string): Promise<{ path: string; mode?: number; special: boolean }> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (!found) return { path, special: false };
  if (found.isDirectory()) throw new CommandError("IO", `${path}: expected a file to write, got a folder`);
  return { path: await realpath(path), mode: found.mode & 0o777, special: !found.isFile() };
}

async function opened(beside: string, path: string): Promise<FileHandle> {
  try {
    return await open(beside, "w");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") throw new CommandError("IO", `${path}: expected an existing folder, got none at ${dirname(path)}`, "create it first");
    if (code === "EACCES" || code === "EPERM" || code === "EROFS")
      throw new CommandError("IO", `${path}: expected a folder that can be written, got ${code} for ${dirname(path)}`);
    throw error;
  }
}
