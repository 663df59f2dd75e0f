import { takeLock, type Lock } from "@dictlearn/hub";
import { join } from "node:path";
import { DictlearnError } from "./error.js";

/**
 * Keeps other processes out of a folder that is there, by a file `.lock` in it, until it is disposed or the process ends. A lock whose
 * owner is gone (killed, or the machine has started anew) is taken over.
 * @param note told of that
 * @throws IO where another process is at it, or may be: on another machine, or in another container; and where no file can be made
 */
export async function lockFolder(folder: string, { note = () => {} }: { note?: (line: string) => void } = {}): Promise<Lock> {
  const path = join(folder, ".lock");
  const taken = await takeLock(path).catch((cause: NodeJS.ErrnoException) => {
    throw new DictlearnError("IO", `${folder}: expected a folder that can be written, got ${cause.code ?? cause.message}`, undefined, { cause });
  });
  if ("release" in taken) {
    const before = taken.takenFrom;
    if (before) note(`${folder}: process ${before.pid} on ${before.host} was at it since ${before.since} and is gone; going on`);
    return taken;
  }
  const { holder, life, silence } = taken;
  const who = holder === undefined ? "one that another process is just taking" : `process ${holder.pid} on ${holder.host} at it since ${holder.since}${life === "unknown" ? ` (last sign of life ${seconds(silence)} ago)` : ""}`;
  throw new DictlearnError("IO", `${folder}: expected a folder that no other process writes to, got ${who}`, life === "unknown" ? `if it no longer runs there, which can't be told from here, delete ${path}` : "wait for it, end it, or give another folder");
}

const seconds = (ms: number) => `${Math.max(0, Math.round(ms / 1000)).toLocaleString("en")} s`;
