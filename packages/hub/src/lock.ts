import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";

const beat = 2_000; // ms between signs of life
const stale = 15_000; // ms without one after which the holder counts as dead

/**
 * Runs `body` while no other process does under the same path, or returns what `done` finds as soon as it finds it.
 * Python's own locks are flock(2), which Node cannot take. A holder that was killed is noticed by its process id on this machine, and
 * by its silence elsewhere. The lock saves work, nothing rests on it: what two holders write is the same bytes.
 */
export async function withLock<R>(path: string, done: () => Promise<R | undefined>, body: () => Promise<R>, onWait?: () => void): Promise<R> {
  const token = `${process.pid} ${hostname()} ${randomUUID()}`;
  for (let waits = 0; !(await take(path, token)); ) {
    const found = await done();
    if (found !== undefined) return found;
    if (await breakStale(path)) continue;
    if (++waits === 1) onWait?.();
    await sleep(100);
  }
  const timer = setInterval(() => void utimes(path, new Date(), new Date()).catch(() => undefined), beat);
  timer.unref();
  try {
    return (await done()) ?? (await body());
  } finally {
    clearInterval(timer);
    if ((await readFile(path, "utf8").catch(() => "")) === token) await rm(path, { force: true });
  }
}

async function take(path: string, token: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    try {
      await file.writeFile(token);
    } finally {
      await file.close();
    }
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes a lock whose holder is gone; true if there is none any more. */
async function breakStale(path: string): Promise<boolean> {
  const age = await stat(path).then((s) => Date.now() - s.mtimeMs, () => undefined);
  if (age === undefined) return true;
  const holder = await readFile(path, "utf8").catch(() => "");
  const [pid, host] = holder.split(" ");
  const dead = host === hostname() && !isAlive(Number(pid));
  if (age < stale && !dead) return false;
  const aside = `${path}.${randomUUID()}`; // of two that see a dead holder one gets to remove it
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { force: true });
  return true;
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return true; // half-written: its age decides
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
