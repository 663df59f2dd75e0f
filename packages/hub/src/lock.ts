import { randomUUID } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { link, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { lifeOf, newHolder, parseHolder, type Holder } from "./holder.js";

const beat = 2_000; // ms between signs of life
const stale = 60_000; // ms without one after which a holder of whom nothing can be told counts as gone, for whoever waits
const halfWritten = 2_000; // ms after which a lock that says nothing was left by a process that was killed

/** A lock that is held. `await using` lets go of it; so does the end of the process, but for a kill. */
export interface Lock {
  /** Who held it before and is gone; undefined if nobody did. */
  readonly takenFrom?: Holder;
  release(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A lock that another holds, or may hold. */
export interface Held {
  /** undefined: it is just being taken. */
  readonly holder?: Holder;
  readonly life: "alive" | "unknown";
  /** Milliseconds since its last sign of life. */
  readonly silence: number;
}

const paths = new Map<string, string>(); // of the locks that this process holds, by id
let isHooked = false;

/**
 * Takes the lock at a path, also from a holder that is certainly gone: one that was killed, or whose machine has started anew.
 * Python's own locks are flock(2), which Node cannot take.
 * @throws what the file system says where no file can be made
 */
export async function takeLock(path: string): Promise<Lock | Held> {
  let takenFrom: Holder | undefined;
  for (;;) {
    const holder = newHolder();
    paths.set(holder.id, path); // whoever asks in this process meets a lock that is held
    let taken = false;
    try {
      taken = await create(path, JSON.stringify(holder));
    } finally {
      if (!taken) paths.delete(holder.id);
    }
    if (taken) {
      await removeLeft(path);
      return held(path, holder, takenFrom);
    }
    const found = await look(path);
    if (found === undefined) continue; // let go of meanwhile
    const { text, silence } = found;
    const other = parseHolder(text);
    if (other === undefined && silence <= halfWritten) {
      await sleep(20); // it is just being taken, or its taker was killed just there
      continue;
    }
    const life = other ? lifeOf(other, Date.now() - silence, paths) : "gone";
    if (life !== "gone") return { holder: other, life, silence };
    if (await remove(path, text)) takenFrom = other;
  }
}

/**
 * Runs `body` while no other process does under the same path, or returns what `done` finds as soon as it finds it. A holder of whom
 * nothing can be told counts as gone when it is silent.
 */
export async function withLock<R>(path: string, done: () => Promise<R | undefined>, body: () => Promise<R>, onWait?: () => void): Promise<R> {
  for (let waits = 0; ; ) {
    const taken = await takeLock(path);
    if ("release" in taken) {
      await using _ = taken;
      return (await done()) ?? (await body());
    }
    const found = await done();
    if (found !== undefined) return found;
    if (taken.life === "unknown" && taken.silence > stale) {
      const old = await look(path);
      if (old !== undefined && old.silence > stale) await remove(path, old.text);
      continue;
    }
    if (++waits === 1) onWait?.();
    await sleep(100);
  }
}

function held(path: string, holder: Holder, takenFrom: Holder | undefined): Lock {
  const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), beat);
  timer.unref();
  if (!isHooked) process.on("exit", releaseAll);
  isHooked = true;
  let isReleased = false;
  const release = async () => {
    clearInterval(timer);
    if (isReleased) return;
    isReleased = true;
    const text = await readFile(path, "utf8").catch(() => "");
    if (parseHolder(text)?.id === holder.id) await rm(path, { force: true }).catch(() => undefined);
    paths.delete(holder.id); // not before: who takes it for nobody's meanwhile would have it removed under their feet
  };
  return { takenFrom, release, [Symbol.asyncDispose]: release };
}

/** At the end of the process, when nothing can be waited for. */
function releaseAll(): void {
  for (const [id, path] of paths)
    try {
      if (parseHolder(readFileSync(path, "utf8"))?.id === id) rmSync(path, { force: true });
    } catch {} // whoever comes next sees that we are gone
}

async function create(path: string, text: string): Promise<boolean> {
  const file = await open(path, "wx").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") return undefined;
    throw error;
  });
  if (file === undefined) return false;
  try {
    await file.writeFile(text);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    await file.close();
  }
  return true;
}

async function look(path: string): Promise<{ text: string; silence: number } | undefined> {
  try {
    return { text: await readFile(path, "utf8"), silence: Date.now() - (await stat(path)).mtimeMs };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** Removes the lock that was seen at a path: of several who saw it one does, and none removes a lock that was taken since. */
async function remove(path: string, seen: string): Promise<boolean> {
  const aside = `${path}.${randomUUID()}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  const isSeen = (await readFile(aside, "utf8")) === seen;
  if (!isSeen) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
  return isSeen;
}

/** What was moved aside by a process that was killed there. */
async function removeLeft(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue;
    const left = join(dirname(path), name);
    const holder = parseHolder(await readFile(left, "utf8").catch(() => ""));
    if (holder && lifeOf(holder, Date.now(), paths) === "gone") await rm(left, { force: true });
  }
}
