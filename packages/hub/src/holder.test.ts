import { hostname, uptime } from "node:os";
import { expect, test } from "vitest";
import { lifeOf, newHolder, parseHolder, type Holder } from "./holder.js";

const now = () => Date.now();
const beforeTheStart = () => Date.now() - uptime() * 1000 - 60_000;
const here = newHolder();
const held = new Map([[here.id, ""]]);
const gone = 2 ** 22 + 1; // above Linux's largest process number
const onLinux = process.platform === "linux";

const cases: [name: string, holder: Partial<Holder>, lastSign: number, life: string][] = [
  ["this process, which holds it", {}, now(), "alive"],
  ["this process, which let go of it and could not remove it", { id: "another" }, now(), "gone"],
  ["a process that is not there", { pid: gone }, now(), "gone"],
  ["a process of another machine", { host: `not-${hostname()}`, pid: gone }, 0, "unknown"],
];
const onlyLinux: typeof cases = [
  ["another process that was given the number of one that is gone", { pid: process.ppid, began: "1" }, now(), "gone"],
  ["a process from before the machine's start", { boot: "another" }, beforeTheStart(), "gone"],
  ["a process of another machine with the same name", { boot: "another" }, now(), "unknown"],
  ["a process in another container", { pids: "pid:[1]" }, now(), "unknown"],
  ["a process in another container that has been silent for long", { pids: "pid:[1]" }, now() - 3_600_000, "gone"],
];

test.each([...cases, ...(onLinux ? onlyLinux : [])])("%s", (_, holder, lastSign, life) => {
  expect(lifeOf({ ...here, ...holder }, lastSign, held)).toBe(life);
});

test("a holder is read as it was written, and half of one is none", () => {
  const text = JSON.stringify(here);
  expect(parseHolder(text)).toEqual(here);
  for (const other of ["", text.slice(0, -1), "null", "{}", "4711 host token"]) expect(parseHolder(other)).toBeUndefined();
});
