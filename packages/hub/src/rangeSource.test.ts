import { open, readdir, readFile, truncate } from "node:fs/promises";
import { join } from "node:path";
import { hubFixture, patternBytes, setUpHub, type HubSetup } from "@dictlearn/testing";
import { expect, test } from "vitest";
import type { RangeSource } from "./hub.js";
import { openHub } from "./openHub.js";

const texts = { type: "dataset", repo: "owner/texts" } as const;
const path = "data/train.jsonl";
const bytes = patternBytes(500_000, 2);

async function expectSlice(source: RangeSource, start: number, end: number): Promise<void> {
  expect(Buffer.from(await source.slice(start, end)).equals(bytes.subarray(start, end))).toBe(true);
}

async function ranges(hub: HubSetup): Promise<string> {
  const folder = join(hub.options.ownCache, "datasets--owner--texts", "ranges");
  return join(folder, (await readdir(folder)).find((name) => !name.includes("."))!);
}

test("any slice is that of the file, and no byte is fetched twice", async () => {
  await using hub = await setUpHub();
  const source = await openHub(hub.options).source(texts, path);
  expect(source.byteLength).toBe(500_000);
  let state = 7;
  const random = (n: number) => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % n;
  for (let i = 0; i < 60; i++) {
    const start = random(500_000);
    await expectSlice(source, start, start + random(500_001 - start));
  }
  await expectSlice(source, 0, 0);
  await expectSlice(source, 500_000, 500_000);
  await source.close();
  expect(hub.server.bytesSent()).toBeLessThanOrEqual(500_000);
});

test("only the chunks that a slice touches are fetched, and what was read is there the next time", async () => {
  await using hub = await setUpHub();
  const first = await openHub(hub.options).source(texts, path);
  await expectSlice(first, 65_000, 66_000);
  await first.close();
  expect(hub.server.bytesSent()).toBe(2 * 65_536);
  const second = await openHub(hub.options).source(texts, path);
  await expectSlice(second, 0, 2 * 65_536);
  expect(hub.server.bytesSent()).toBe(2 * 65_536);
  await expectSlice(second, 400_000, 500_000);
  await second.close();
});

test("slices asked for together share requests", async () => {
  await using hub = await setUpHub();
  const source = await openHub(hub.options).source(texts, path);
  await Promise.all([expectSlice(source, 0, 100), expectSlice(source, 70_000, 80_000), expectSlice(source, 70_001, 140_000), expectSlice(source, 400_000, 400_001)]);
  expect(hub.server.requests.filter(({ origin }) => origin === "cdn").map(({ range }) => range)).toEqual(["bytes=0-196607", "bytes=393216-458751"]);
  await source.close();
});

test("once every chunk is there the file is one of the cache", async () => {
  await using hub = await setUpHub();
  const opened = openHub(hub.options);
  const source = await opened.source(texts, path);
  for (let start = 0; start < 500_000; start += 100_000) await expectSlice(source, start, start + 100_000);
  await expectSlice(source, 0, 500_000); // still open
  await source.close();
  const found = await openHub({ ...hub.options, offline: true }).find(texts, path);
  expect(Buffer.from(bytes).equals(await readFile(found!))).toBe(true);
  expect(await readdir(join(hub.options.ownCache, "datasets--owner--texts", "ranges"))).toEqual([]);
  expect(await opened.file(texts, path)).toBe(found);
  expect(hub.server.bytesSent()).toBe(500_000);
});

test("two that read one file at once, as two processes would, both finish it", async () => {
  await using hub = await setUpHub();
  const sources = await Promise.all([0, 1].map(() => openHub(hub.options).source(texts, path)));
  await Promise.all(sources.map((source) => expectSlice(source, 0, 500_000)));
  await Promise.all(sources.map((source) => expectSlice(source, 250_000, 500_000)));
  await Promise.all(sources.map((source) => source.close()));
  const found = await openHub({ ...hub.options, offline: true }).find(texts, path);
  expect(Buffer.from(bytes).equals(await readFile(found!))).toBe(true);
});

test("a whole that is not the file's is deleted and said", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", corrupt: true, times: 1 });
  const source = await openHub(hub.options).source(texts, path);
  await expect(source.slice(0, 500_000)).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("expected bytes with hash") as string });
  expect(await openHub({ ...hub.options, offline: true }).find(texts, path)).toBeUndefined();
  await expectSlice(source, 0, 500_000);
  await source.close();
});

test("bytes that the disk lost are noticed and fetched again", async () => {
  await using hub = await setUpHub();
  const first = await openHub(hub.options).source(texts, path);
  await expectSlice(first, 0, 200_000);
  await first.close();
  const file = await open(await ranges(hub), "r+");
  await file.write(new Uint8Array([1, 2, 3]), 0, 3, 70_000);
  await file.close();
  await truncate(await ranges(hub), 131_072 + 10);
  const before = hub.server.bytesSent();
  const second = await openHub(hub.options).source(texts, path);
  await expectSlice(second, 0, 262_144);
  await second.close();
  expect(hub.server.bytesSent() - before).toBe(3 * 65_536);
});

test("a connection that is cut goes on at the byte it had", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", cutAfter: 70_000, times: 3 });
  const source = await openHub(hub.options).source(texts, path);
  await expectSlice(source, 0, 450_000);
  await source.close();
  expect(hub.server.bytesSent()).toBe(458_752);
});

test("a run that fails leaves the chunks that came whole", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", cutAfter: 140_000, times: 1 }, { on: "cdn", status: 500, times: 8 });
  const source = await openHub(hub.options).source(texts, path);
  await expect(source.slice(0, 450_000)).rejects.toMatchObject({ code: "NETWORK" });
  const before = hub.server.bytesSent();
  await expectSlice(source, 0, 131_072);
  expect(hub.server.bytesSent()).toBe(before);
  await expectSlice(source, 0, 450_000);
  await source.close();
});

test("a server that ignores ranges: the whole file is fetched once, with a notice", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", ignoreRange: true });
  const source = await openHub(hub.options).source(texts, path);
  await Promise.all([expectSlice(source, 100, 200), expectSlice(source, 400_000, 500_000)]);
  await expectSlice(source, 0, 500_000);
  await source.close();
  expect(hub.notices).toEqual([expect.stringContaining("the server ignores ranges; fetching the whole file")]);
});

test("of a file that was read in part, the whole takes the rest alone", async () => {
  await using hub = await setUpHub();
  const source = await openHub(hub.options).source(texts, path);
  await expectSlice(source, 200_000, 300_000);
  await source.close();
  expect(Buffer.from(bytes).equals(await readFile(await openHub(hub.options).file(texts, path)))).toBe(true);
  expect(hub.server.bytesSent()).toBe(500_000);
});

test("where the part was wrong, the whole is fetched", async () => {
  await using hub = await setUpHub();
  hub.server.faults.push({ on: "cdn", corrupt: true, times: 1 });
  const source = await openHub(hub.options).source(texts, path);
  await source.slice(0, 10);
  await source.close();
  expect(Buffer.from(bytes).equals(await readFile(await openHub(hub.options).file(texts, path)))).toBe(true);
  expect(await readdir(join(hub.options.ownCache, "datasets--owner--texts", "ranges"))).toEqual([]);
});

test("a file that the cache holds is read from there", async () => {
  await using hub = await setUpHub();
  const opened = openHub(hub.options);
  await opened.file(texts, path);
  const before = hub.server.requests.length;
  const source = await opened.source(texts, path);
  await expectSlice(source, 12, 400_000);
  await source.close();
  expect(hub.server.requests.length).toBe(before);
});

test("a file that changes behind its commit is an error", async () => {
  const repos = hubFixture();
  await using hub = await setUpHub(repos);
  const source = await openHub(hub.options).source(texts, path);
  await expectSlice(source, 0, 10);
  Object.values(repos["owner/texts"].commits)[0][path] = { bytes: patternBytes(500_000, 3), lfs: true };
  await expect(source.slice(300_000, 300_010)).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("the file has changed") as string });
  await source.close();
});

test("ranges outside the file and closed sources are refused", async () => {
  await using hub = await setUpHub();
  const source = await openHub(hub.options).source(texts, path);
  for (const [start, end] of [[-1, 5], [5, 4], [0, 500_001], [0.5, 1], [0, NaN]]) await expect(source.slice(start, end)).rejects.toMatchObject({ code: "USAGE" });
  await source.close();
  await source.close();
  await expect(source.slice(0, 1)).rejects.toMatchObject({ code: "USAGE" });
});
