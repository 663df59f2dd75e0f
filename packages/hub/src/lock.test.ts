import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { setUpHub, type HubSetup } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { newHolder } from "./holder.js";
import { takeLock, withLock, type Lock } from "./lock.js";
import { openHub } from "./openHub.js";

const tiny = { repo: "owner/tiny" };

/** Another Node process that fetches a file; its first line of output is the path, or "started" before. */
function fetchElsewhere(hub: HubSetup) {
  const { cache, ownCache, endpoint } = hub.options;
  const program = `
    import { openHub } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
    const hub = openHub(${JSON.stringify({ cache, ownCache, endpoint, retryPause: 1 })});
    console.log(await hub.file({ repo: "owner/tiny" }, "model.safetensors"));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => child.on("close", (code) => resolve({ code, output: output.trim() })));
  return { child, ended };
}

async function requested(hub: HubSetup): Promise<void> {
  while (!hub.server.requests.some(({ origin, sent }) => origin === "cdn" && sent > 0)) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("two processes that want one file: one download, both have it", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", pause: 500, times: 1 });
  const results = await Promise.all([fetchElsewhere(hub).ended, fetchElsewhere(hub).ended]);
  expect(results.map(({ code }) => code)).toEqual([0, 0]);
  expect(results[0].output).toBe(results[1].output);
  expect(hub.server.bytesSent()).toBe(300_000);
  expect(await readdir(join(hub.options.cache, ".locks", "models--owner--tiny"))).toEqual([]);
});

test("a downloader that is killed blocks nobody, and what it had is gone on from", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", hang: "body", times: 1 });
  const { child, ended } = fetchElsewhere(hub);
  await requested(hub);
  child.kill("SIGKILL");
  await ended;
  expect(await readdir(join(hub.options.cache, ".locks", "models--owner--tiny"))).toHaveLength(1);
  await openHub(hub.options).file(tiny, "model.safetensors");
  expect(await readdir(join(hub.options.cache, ".locks", "models--owner--tiny"))).toEqual([]);
});

test("a lock of another machine counts until it is silent", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dictlearn-lock-"));
  try {
    const path = join(folder, "x.lock");
    await writeFile(path, JSON.stringify({ ...newHolder(), host: `not-${hostname()}` }));
    let tried = 0;
    // Alive: whoever waits takes what the other brings.
    expect(await withLock(path, async () => (++tried > 3 ? "brought" : undefined), async () => "own")).toBe("brought");
    await utimes(path, new Date(0), new Date(0));
    expect(await withLock(path, async () => undefined, async () => "own")).toBe("own");
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("bodies under one lock do not overlap, and a failing one lets go", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dictlearn-lock-"));
  try {
    let inside = 0;
    const body = async () => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
      throw new Error("fails");
    };
    const results = await Promise.allSettled(Array.from({ length: 4 }, () => withLock(join(folder, "y.lock"), async () => undefined, body)));
    expect(results.map((r) => (r as PromiseRejectedResult).reason as Error).map(({ message }) => message)).toEqual(Array(4).fill("fails"));
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a lock is taken once, told to whoever comes next, and let go of", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dictlearn-lock-"));
  try {
    const path = join(folder, "z.lock");
    const lock = (await takeLock(path)) as Lock;
    expect(lock.takenFrom).toBeUndefined();
    expect(await takeLock(path)).toMatchObject({ life: "alive", holder: { pid: process.pid, host: hostname() } });
    await lock.release();
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a lock that a killed process left is taken over; so is one that it was just writing, or moving away", async () => {
  const folder = await mkdtemp(join(tmpdir(), "dictlearn-lock-"));
  try {
    const path = join(folder, "z.lock");
    const child = spawn(process.execPath, ["--input-type=module", "-e", `const { takeLock } = await import(${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)}); await takeLock(${JSON.stringify(path)}); console.log("taken"); setTimeout(() => {}, 60_000);`], { stdio: ["ignore", "pipe", "inherit"] });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    expect(await takeLock(path)).toMatchObject({ life: "alive", holder: { pid: child.pid } });
    const left = await readFile(path, "utf8");
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("exit", resolve));
    await writeFile(`${path}.moved-by-one-who-was-killed-too`, left);
    await using taken = (await takeLock(path)) as Lock;
    expect(taken.takenFrom?.pid).toBe(child.pid);
    expect(await readdir(folder)).toEqual(["z.lock"]);
    await taken.release();

    await writeFile(path, left.slice(0, 20));
    await using again = (await takeLock(path)) as Lock;
    expect(again.takenFrom).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true });
  }
});
