import { readlinkSync, rmSync } from "node:fs";
import { open, readdir, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { hostname } from "node:os";
import { basename, dirname, join } from "node:path";
import { getSystemErrorMap } from "node:util";
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

/**
 * A file that appears whole or not at all: written beside, synced, renamed; also gone if the process exits before. What processes left
 * there that were killed goes when the same file is written again.
 */
export async function atomicWriter(file: string): Promise<AtomicWriter> {
  const { path, mode, special } = await target(resolvePath(file));
  if (!special) await removeLeft(path);
  const beside = special ? path : join(dirname(path), `.${basename(path)}.${here}.${process.pid}-${++written}.part`);
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

  /** The disk's own words are about a write or a sync, and name no file. */
  const told = async (doing: () => Promise<void>) => {
    try {
      await doing();
    } catch (error) {
      const { code, syscall, errno } = error as NodeJS.ErrnoException;
      if (code === undefined || syscall === undefined || code === "EPIPE") throw error;
      throw new CommandError("IO", `${path}: expected to write it, got ${[code, getSystemErrorMap().get(errno ?? 0)?.[1]].filter(Boolean).join(", ")}`, code === "ENOSPC" || code === "EDQUOT" ? "free some room" : undefined);
    }
  };

  return {
    write: (chunk) => told(() => handle.writeFile(chunk)), // continues where the last one ended
    commit: () =>
      told(async () => {
        if (!special) {
          if (mode !== undefined) await handle.chmod(mode);
          await handle.sync();
        }
        await handle.close();
        if (!special) {
          await rename(beside, path);
          await syncFolder(dirname(path));
        }
        settled = true;
        process.off("exit", removeAtExit);
      }),
    discard,
    [Symbol.asyncDispose]: discard,
  };
}

/** Where a process's number means this process: the machine, and in it the container. */
const here = `${hostname()}${namespace()}`.replace(/[^\w-]/g, "_").slice(0, 80);
let written = 0;

function namespace(): string {
  try {
    return `-${/\d+/.exec(readlinkSync("/proc/self/ns/pid"))![0]}`;
  } catch {
    return "";
  }
}

async function removeLeft(path: string): Promise<void> {
  const [folder, start] = [dirname(path), `.${basename(path)}.${here}.`];
  for (const name of await readdir(folder).catch(() => [])) {
    const pid = name.startsWith(start) && /^(\d+)-\d+\.part$/.exec(name.slice(start.length))?.[1];
    if (pid && !isRunning(Number(pid))) await rm(join(folder, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Makes a rename last. Windows has no such thing for folders. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await open(path);
  await folder.sync().finally(() => folder.close());
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
