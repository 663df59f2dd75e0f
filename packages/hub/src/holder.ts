import { randomUUID } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname, uptime } from "node:os";

/** The process that holds a lock: enough to tell later, elsewhere, whether it still runs. */
export interface Holder {
  /** Of this one lock. */
  readonly id: string;
  readonly pid: number;
  readonly host: string;
  /** ISO 8601. */
  readonly since: string;
  /** Linux: this start of the machine, the pid namespace (a container has its own), and when in it the process began. */
  readonly boot?: string;
  readonly pids?: string;
  readonly began?: string;
}

const slow = 300_000; // ms without a sign of life after which a process in another container of this machine counts as gone

/** This process, taking a lock now. */
export function newHolder(): Holder {
  return { id: randomUUID(), pid: process.pid, host: hostname(), since: `${new Date().toISOString().slice(0, 19)}Z`, ...place(), began: beganAt(process.pid) };
}

/** What a lock's file says; undefined for one that is being written, or was when its writer was killed. */
export function parseHolder(text: string): Holder | undefined {
  try {
    const { id, pid, host, since, boot, pids, began } = JSON.parse(text) as Record<string, unknown>;
    if (typeof id !== "string" || !Number.isSafeInteger(pid) || typeof host !== "string" || typeof since !== "string") return undefined;
    const word = (value: unknown) => (typeof value === "string" ? value : undefined);
    return { id, pid: pid as number, host, since, boot: word(boot), pids: word(pids), began: word(began) };
  } catch {
    return undefined;
  }
}

/**
 * Whether a holder still runs. Nobody can tell of another machine, nor of another container but by a long silence: that is `unknown`.
 * @param lastSign when it last touched its lock, in milliseconds of Date.now()
 * @param ours the ids of the locks that this process holds
 */
export function lifeOf(holder: Holder, lastSign: number, ours: ReadonlyMap<string, unknown>): "alive" | "gone" | "unknown" {
  if (holder.host !== hostname()) return "unknown";
  const here = place();
  if (holder.boot !== here.boot || (here.boot === undefined && lastSign < startOfMachine())) return lastSign < startOfMachine() ? "gone" : "unknown"; // else: another machine of that name
  if (holder.pids !== here.pids) return Date.now() - lastSign > slow ? "gone" : "unknown";
  if (holder.pid === process.pid) return ours.has(holder.id) ? "alive" : "gone";
  if (!exists(holder.pid)) return "gone";
  return holder.began === beganAt(holder.pid) ? "alive" : "gone"; // numbers are given out again
}

const startOfMachine = () => Date.now() - uptime() * 1000;

function place(): Pick<Holder, "boot" | "pids"> {
  return { boot: tried(() => readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim()), pids: tried(() => readlinkSync("/proc/self/ns/pid")) };
}

/** The clock ticks from the machine's start to a process's; undefined where there is no /proc. */
function beganAt(pid: number): string | undefined {
  const stat = tried(() => readFileSync(`/proc/${pid}/stat`, "latin1"));
  return stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19]; // a program's name may hold spaces and brackets
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function tried<R>(read: () => R): R | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
