import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstCommit, oracle, setUpHub, type HubFile, type HubRepo } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { openHub } from "./openHub.js";
import { extractEntry } from "./zipEntry.js";

const ref = { repo: "owner/zips" };
const readZip = (name: string) => new Uint8Array(readFileSync(oracle(`hub/zips/${name}`)));
const expected = JSON.parse(readFileSync(oracle("hub/zips/expected.json"), "utf8")) as { beyond4gTailAt: number; entries: Record<string, { size: number; sha256: string }> };
const plain = readZip("plain.zip");

/** A repository with one archive. */
function zipRepo(bytes: HubFile["bytes"]): Record<string, HubRepo> {
  return { "owner/zips": { commits: { [firstCommit]: { "a.zip": { bytes, lfs: true, ...(!(bytes instanceof Uint8Array) && { sha256: "ab".repeat(32) }) } } }, refs: { main: firstCommit } } };
}

async function expectEntry(path: string, name: string): Promise<void> {
  const bytes = await readFile(path);
  expect({ size: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") }).toEqual(expected.entries[name]);
}

/** `zeros` bytes of nothing before the end of an archive: of any size, held nowhere. */
function virtual(zeros: number, tail: Uint8Array): HubFile["bytes"] {
  return {
    size: zeros + tail.length,
    read(start, end) {
      const bytes = new Uint8Array(end - start);
      const from = Math.max(start, zeros);
      if (from < end) bytes.set(tail.subarray(from - zeros, end - zeros), from - start);
      return bytes;
    },
  };
}

test.each(["plain.zip", "zip64.zip", "streamed.zip"])("every entry of Python's %s, stored and deflated", async (zip) => {
  await using hub = await setUpHub(zipRepo(readZip(zip)));
  const opened = openHub(hub.options);
  for (const name of Object.keys(expected.entries)) await expectEntry(await opened.zipEntry(ref, "a.zip", name), name);
});

test("an entry beyond 4 GiB is fetched without the rest: less than itself and 1 MB", async () => {
  await using hub = await setUpHub(zipRepo(virtual(expected.beyond4gTailAt, readZip("beyond4g.tail"))));
  const seen: number[] = [];
  const path = await openHub({ ...hub.options, onProgress: ({ name, received }) => void (name.includes("!/") && seen.push(received)) }).zipEntry(ref, "a.zip", "dictionaries/a/ae.pt");
  await expectEntry(path, "dictionaries/a/ae.pt");
  expect(hub.server.bytesSent()).toBeLessThan(40_000 + 1_000_000);
  expect(seen.at(-1)).toBe(40_000);
  const before = hub.server.requests.length;
  expect(await openHub({ ...hub.options, offline: true }).zipEntry(ref, "a.zip", "dictionaries/a/ae.pt")).toBe(path);
  expect(hub.server.requests.length).toBe(before);
});

test("an entry asked for twice at once is fetched once, and the directory serves the next", async () => {
  await using hub = await setUpHub(zipRepo(virtual(expected.beyond4gTailAt, readZip("beyond4g.tail"))));
  const opened = openHub(hub.options);
  await opened.zipEntry(ref, "a.zip", "empty.txt");
  const before = hub.server.bytesSent();
  const paths = await Promise.all([0, 1, 2].map(() => opened.zipEntry(ref, "a.zip", "dictionaries/a/ae.pt")));
  expect(new Set(paths).size).toBe(1);
  expect(hub.server.bytesSent() - before).toBe(40_000);
});

test("a zip that the cache holds whole is read from there, offline too", async () => {
  await using hub = await setUpHub(zipRepo(plain));
  await openHub(hub.options).file(ref, "a.zip");
  const before = hub.server.requests.length;
  await expectEntry(await openHub({ ...hub.options, offline: true }).zipEntry(ref, "a.zip", "dictionaries/b/ae.pt"), "dictionaries/b/ae.pt");
  expect(hub.server.requests.length).toBe(before);
});

test("an entry that is not there: the error names near ones", async () => {
  await using hub = await setUpHub(zipRepo(plain));
  await expect(openHub(hub.options).zipEntry(ref, "a.zip", "dictionaries/c/ae.pt")).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: 'owner/zips/a.zip: expected entry "dictionaries/c/ae.pt", got none of that name',
    remedy: expect.stringMatching(/^near ones: "dictionaries\/a\/ae.pt", "dictionaries\/b\/ae.pt", /) as string,
  });
});

/** The archive with one field of an entry's directory record changed. */
function patched(zip: Uint8Array, entry: string, offset: number, bytes: number[]): Uint8Array {
  const copy = Buffer.from(zip);
  const record = copy.lastIndexOf(entry) - 46; // the name ends the fixed part of the record
  expect(copy.readUInt32LE(record)).toBe(0x02014b50);
  copy.set(bytes, record + offset);
  return new Uint8Array(copy);
}

const liar = "dictionaries/b/ae.pt";
test.each([
  ["wrong crc", patched(plain, liar, 16, [1, 2, 3, 4]), "FORMAT", "crc32"],
  ["a smaller size than it inflates to", patched(plain, liar, 24, [9, 0, 0, 0]), "FORMAT", "expected 9 bytes, got more"],
  ["a larger size than it inflates to", patched(plain, liar, 24, [0xff, 0xff, 0xff, 0]), "FORMAT", "expected 16777215 bytes"],
  ["more packed bytes than the archive has", patched(plain, liar, 20, [0xff, 0xff, 0xff, 0x7e]), "FORMAT", "a.zip"],
  ["an offset to another entry", patched(plain, liar, 42, [0, 0, 0, 0]), "FORMAT", "another name"],
  ["an offset outside", patched(plain, liar, 42, [0xff, 0xff, 0xff, 0x7e]), "FORMAT", "a.zip"],
  ["a password", patched(plain, liar, 8, [1]), "UNSUPPORTED", "encrypted"],
  ["an unknown method", patched(plain, liar, 10, [93]), "UNSUPPORTED", "method 93"],
  ["no zip", new Uint8Array(5000).fill(7), "FORMAT", "expected a zip"],
  ["nothing", new Uint8Array(0), "FORMAT", "expected a zip"],
  ["half a zip", plain.slice(0, 50_000), "FORMAT", "expected a zip"],
])("%s is an error, and nothing of it stays", async (_what, bytes, code, message) => {
  await using hub = await setUpHub(zipRepo(bytes));
  await expect(openHub(hub.options).zipEntry(ref, "a.zip", liar)).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
  const left = await readdir(join(hub.options.ownCache, "models--owner--zips"), { recursive: true });
  expect(left.filter((name) => name.includes("ae.pt"))).toEqual([]);
});

test("hostile names in a directory are refused", async () => {
  const hostile = Buffer.from(plain);
  for (let at = hostile.indexOf("dictionaries/a/ae.pt"); at !== -1; at = hostile.indexOf("dictionaries/a/ae.pt")) hostile.write("../../../../../evil.", at);
  await using hub = await setUpHub(zipRepo(new Uint8Array(hostile)));
  await expect(openHub(hub.options).zipEntry(ref, "a.zip", liar)).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("relative path") as string });
});

test("a cut connection goes on; bytes changed on the way are fetched once more", async () => {
  await using hub = await setUpHub(zipRepo(virtual(expected.beyond4gTailAt, readZip("beyond4g.tail"))));
  const opened = openHub(hub.options);
  await opened.zipEntry(ref, "a.zip", "empty.txt"); // brings the directory
  const before = hub.server.bytesSent();
  hub.server.faults.push({ on: "cdn", cutAfter: 10_000, times: 2 });
  await expectEntry(await opened.zipEntry(ref, "a.zip", "dictionaries/a/ae.pt"), "dictionaries/a/ae.pt");
  expect(hub.server.bytesSent() - before).toBe(40_000);
  hub.server.faults.push({ on: "cdn", corrupt: true, times: 1 });
  await expectEntry(await opened.zipEntry(ref, "a.zip", "dictionaries/b/ae.pt"), "dictionaries/b/ae.pt");
  expect(hub.notices.join("\n")).toContain("fetching it again");
});

test("a server without ranges is said, not downloaded from", async () => {
  await using hub = await setUpHub(zipRepo(virtual(expected.beyond4gTailAt, readZip("beyond4g.tail"))));
  hub.server.faults.push({ on: "cdn", ignoreRange: true });
  await expect(openHub(hub.options).zipEntry(ref, "a.zip", "empty.txt")).rejects.toMatchObject({ code: "UNSUPPORTED", remedy: expect.stringContaining("hf download owner/zips a.zip") as string });
});

test("an entry that breaks at its first byte leaves no file, however late the disk is", async () => {
  const folder = await mkdtemp(join(tmpdir(), "entry-"));
  try {
    for (let times = 0; times < 50; times++)
      await expect(extractEntry((async function* () { yield Uint8Array.of(255, 255); })(), { name: "x.zip!/b.pt", start: 0, end: 2, deflated: true, size: 5, crc32: 0 }, join(folder, "b.pt"))).rejects.toMatchObject({ code: "FORMAT" });
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
