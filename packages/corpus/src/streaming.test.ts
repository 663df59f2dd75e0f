import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { blobShard, readTexts, type Shard } from "./index.js";
import { zstd } from "./zstd.js";

const file = (name: string) => Uint8Array.from(readFileSync(new URL(`../../../oracles/corpus/${name}`, import.meta.url)));
const text = "a text of some length, a hundred bytes or so, that stands for what people write on their pages";
const jsonl = (count: number) => `${JSON.stringify({ text, meta: { pile_set_name: "Pile-CC" } })}\n`.repeat(count);

async function texts(shards: readonly Shard[]): Promise<string[]> {
  const all: string[] = [];
  for await (const one of readTexts(shards)) all.push(one.text);
  return all;
}

/** A zstd file whose blocks are not compressed: what `zstd` writes for noise. */
function zstdOf(bytes: Uint8Array): Uint8Array {
  const parts: number[][] = [[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]]; // a window of 128 KiB, no size, no checksum
  for (let at = 0; at < bytes.length; at += 2 ** 17) {
    const block = bytes.subarray(at, at + 2 ** 17);
    const header = (block.length << 3) | Number(at + block.length === bytes.length);
    parts.push([header & 255, (header >> 8) & 255, header >> 16], [...block]);
  }
  return Uint8Array.from(parts.flat());
}

test.each(["plain.jsonl", "big.txt", "big.csv", "big.jsonl.gz", "big.jsonl.zst"])("%s: the first text comes before 1 MB is read, and no more is read than is asked for", async (name) => {
  const content = name.endsWith(".csv") ? `text\n${`"${text}"\n`.repeat(40_000)}` : jsonl(40_000);
  const plain = new TextEncoder().encode(content);
  const shard = countedShard(name, name.endsWith(".gz") ? gzipSync(plain, { level: 0 }) : name.endsWith(".zst") ? zstdOf(plain) : plain, 2 ** 16);
  expect(shard.byteLength).toBeGreaterThan(3_000_000);
  let count = 0;
  let taken = 0;
  for await (const one of readTexts([shard])) {
    expect(shard.count.read - taken).toBeLessThan(1_000_000);
    taken += one.text.length;
    if (++count === 10_000) break;
  }
  expect(shard.count).toMatchObject({ opened: 1, open: 0 });
  expect(shard.count.read).toBeLessThan(2_500_000);
});

test("the Pile's layout, compressed: texts as they come, the shard closed when the reader stops", async () => {
  const shard = countedShard("00.jsonl.zst", file("pile.jsonl.zst"), 500);
  for await (const one of readTexts([shard])) {
    expect(one.text.length).toBeGreaterThan(0);
    break;
  }
  expect(shard.count.open).toBe(0);
});

test("the first MiB of the next shard is fetched while this one ends, and no more", async () => {
  const [a, b, c] = ["a", "b", "c"].map((name) => countedShard(`${name}.jsonl`, jsonl(30_000), 2 ** 16));
  expect(a.byteLength).toBeGreaterThan(3 * 2 ** 20);
  let read = 0;
  let aheadOf: number | undefined; // bytes of `a` that were left to read as `b` was opened
  for await (const { cursor } of readTexts([a, b, c])) {
    read++;
    if (b.count.opened > 0) aheadOf ??= a.byteLength - a.count.read;
    if (cursor.shard === 0) expect(b.count.read).toBeLessThanOrEqual(2 ** 20 + 2 ** 16);
    if (cursor.shard === 0) expect(c.count.opened).toBe(0);
    await Promise.resolve();
  }
  expect(read).toBe(90_000);
  expect(aheadOf).toBeGreaterThan(0);
  expect(aheadOf).toBeLessThanOrEqual(2 ** 20);
  for (const { count, byteLength } of [a, b, c]) expect(count).toMatchObject({ opened: 1, open: 0, read: byteLength });
});

test("what was fetched of the next shard is closed when the reader stops, or fails", async () => {
  for (const name of ["b.jsonl", "b.txt.zst"]) {
    const [a, b] = [countedShard("a.jsonl", jsonl(2_000), 2 ** 14), countedShard(name, jsonl(30_000), 2 ** 16)];
    for await (const _ of readTexts([a, b])) {
      if (b.count.opened > 0) break;
    }
    await expect.poll(() => b.count.open).toBe(0);
    expect([a.count.open, b.count.opened]).toEqual([0, 1]);
  }
  const [a, b] = [countedShard("a.jsonl", `${jsonl(100)}${"x\n".repeat(50)}`, 2 ** 10), countedShard("b.jsonl", jsonl(10))];
  await expect(texts([a, b])).rejects.toThrow("expected at most 1 % broken rows");
  expect(b.count.opened).toBe(1);
  await expect.poll(() => [a.count.open, b.count.open]).toEqual([0, 0]);
});

test("the footer of a Parquet file that comes next is fetched in the last row group", async () => {
  const [a, b] = ["a.parquet", "b.parquet"].map((name) => countedShard(name, file("snappy.parquet")));
  let fetched: number | undefined; // row group of `a` in which `b` was asked for
  for await (const { cursor } of readTexts([a, b])) {
    if (b.count.read > 0) fetched ??= cursor.at;
  }
  expect(fetched).toBe(5);
  const alone = countedShard("a.parquet", file("snappy.parquet"));
  await texts([alone]);
  expect(b.count.read).toBeLessThanOrEqual(alone.count.read); // held bytes are not asked for again
});

test("an error of a shard passes through as it is, of the next one when its turn comes", async () => {
  const reason = new Error("connection reset");
  for (const name of ["b.jsonl", "b.jsonl.gz", "b.txt.zst", "b.csv", "b.json", "b.parquet"]) {
    const failing = {
      name,
      byteLength: 1000,
      async *stream() {
        await Promise.resolve();
        if (name === "b.jsonl") yield new TextEncoder().encode('{"text":"one"}\n');
        throw reason;
      },
      slice: () => Promise.reject(reason),
    };
    const read: string[] = [];
    const reading = (async () => { for await (const one of readTexts([countedShard("a.jsonl", jsonl(3)), failing])) read.push(one.text); })();
    await expect(reading).rejects.toBe(reason);
    expect(read).toEqual([text, text, text, ...(name === "b.jsonl" ? ["one"] : [])]);
  }
});

test("a shard that ends before its size is an error, not a short shard", async () => {
  const short = { ...countedShard("a.txt", "one\ntwo\n"), byteLength: 20 };
  await expect(texts([short])).rejects.toMatchObject({ code: "IO", message: "a.txt: expected 20 bytes, got 8" });
});

test("a line without an end is an error at 64 MiB, not a full memory", async () => {
  const shard = countedShard("a.jsonl", `{"text":"one"}\n{"text":"${"x".repeat(100_000_000)}"}\n`, 2 ** 20);
  const read: string[] = [];
  const reading = (async () => { for await (const one of readTexts([shard])) read.push(one.text); })();
  await expect(reading).rejects.toMatchObject({ code: "FORMAT", message: "a.jsonl:2: expected a line of at most 64 MiB, got a longer one" });
  expect(read).toEqual(["one"]);
  expect(shard.count.read).toBeLessThan(70_000_000);
  expect(shard.count.open).toBe(0);
});

test("a few bytes that stand for gigabytes are decompressed as they are asked for", async () => {
  const block = [((2 ** 17) << 3 | 2) & 255, (((2 ** 17) << 3 | 2) >> 8) & 255, ((2 ** 17) << 3 | 2) >> 16, 0x20]; // a byte, 128 Ki times
  const bomb = Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38, ...Array.from({ length: 20_000 }, () => block).flat()]); // 2.6 GB
  let pieces = 0;
  for await (const { bytes } of zstd.decompress(countedShard("a", bomb, 2 ** 16).stream(), 0, "bomb.zst")) {
    expect(bytes.length).toBeLessThanOrEqual(2 ** 17);
    if (++pieces === 50) break;
  }
  await expect(texts([countedShard("a.txt.zst", bomb, 2 ** 16)])).rejects.toThrow("a.txt.zst:1: expected a line of at most 64 MiB");
});

test("a Blob is a shard: a file of a page, or of Node's openAsBlob", async () => {
  for (const name of ["plain.jsonl", "snappy.parquet", "members.jsonl.gz"]) {
    expect(await texts([blobShard(name, new Blob([file(name)]))])).toEqual(await texts([countedShard(name, file(name))]));
  }
});

test("endings count in capitals too", async () => {
  expect(await texts([countedShard("A.JSONL.GZ", gzipSync(jsonl(2)))])).toEqual([text, text]);
});
