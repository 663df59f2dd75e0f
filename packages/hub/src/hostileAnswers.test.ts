import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openHub } from "./openHub.js";
import { locateEntry } from "./zipEntry.js";

// What something that calls itself a Hub may answer. More of it is tried by `pnpm test:faults --only hostile-files`.

let folder: string;
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "hostile-hub-"))));
afterEach(() => rm(folder, { recursive: true, force: true }));

const ref = { repo: "owner/name" };
const commit = "0123456789abcdef0123456789abcdef01234567";
const hub = (answer: (path: string) => Response) => openHub({ cache: join(folder, "cache"), ownCache: join(folder, "own"), endpoint: "http://hub.test", retryPause: 1, fetch: async (url) => answer(new URL(String(url)).pathname) });
const json = (value: unknown) => new Response(JSON.stringify(value), { headers: { "content-type": "application/json" } });

test.each([null, 1, [], {}, { sha: null }, { sha: { toString: null } }, { sha: "../../x" }, { sha: [commit] }])("a commit that is %j is an error with a code", async (value) => {
  await expect(hub(() => json(value)).file(ref, "config.json")).rejects.toMatchObject({ name: "HubError", code: "NETWORK", message: expect.stringContaining("expected a commit") as string });
});

test("an answer without an end is left", async () => {
  let sent = 0;
  const endless = () => new Response(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(2 ** 20).fill((sent += 1) && 32)) }));
  await expect(hub(endless).files(ref)).rejects.toMatchObject({ name: "HubError", code: "FORMAT", message: expect.stringContaining("at most 64 MiB") as string });
  expect(sent).toBeLessThan(80);
});

test("names in a list that lead out, or that no disk can have, are left out", async () => {
  const names = ["../a", "/a", "a/../../b", "C:/a", "a\\b", "a\u0000", "a\ud800", "a".repeat(300)];
  const list = [...names, "config.json"].map((path) => ({ type: "file", path, size: 1, oid: "x" }));
  expect(await hub((path) => json(path.includes("/tree/") ? list : { sha: commit })).files(ref)).toEqual([{ path: "config.json", size: 1 }]);
});

test.each(["../../../outside", "/outside", "a/b", "..", ".", "a\\b", "x".repeat(200), 'W/"../x"'])("nothing is written outside of the cache for an etag %s", async (etag) => {
  await mkdir(join(folder, "cache"));
  const answer = (path: string) => (path.startsWith("/api/") ? json({ sha: commit }) : new Response("{}", { headers: { etag: `"${etag}"`, "x-linked-size": "2" } }));
  await expect(hub(answer).file(ref, "config.json")).rejects.toMatchObject({ name: "HubError", code: "FORMAT" });
  expect((await readdir(folder)).sort()).toEqual(["cache", "own"]);
});

test("an entry of a zip that would unpack to a terabyte is refused before a byte of it", async () => {
  const packed = deflateRawSync(Buffer.alloc(2 ** 20));
  const name = Buffer.from("ae.pt");
  const header = (signature: number[], size: number, extra: number[]) => [...signature, 20, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...u32(packed.length), ...u32(size), name.length, 0, 0, 0, ...extra, ...name];
  const u32 = (n: number) => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24];
  const claimed = 2 ** 32 - 2;
  const local = [...header([0x50, 0x4b, 3, 4], claimed, []), ...packed];
  const directory = [0x50, 0x4b, 1, 2, 20, 0, ...header([], claimed, Array<number>(14).fill(0))];
  const zip = Uint8Array.from([...local, ...directory, 0x50, 0x4b, 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, ...u32(directory.length), ...u32(local.length), 0, 0]);
  const source = { name: "a.zip", byteLength: zip.length, slice: async (start: number, end: number) => zip.slice(start, end).buffer, close: async () => {} };
  await expect(locateEntry(source, "ae.pt")).rejects.toMatchObject({ name: "HubError", code: "FORMAT", message: expect.stringContaining("at most 32-fold compression") as string });
});
