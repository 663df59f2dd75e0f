import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { CorpusError, readTexts, type Cursor, type Shard, type Text, type TextOptions } from "./index.js";

const file = (name: string) => readFileSync(new URL(`../../../oracles/corpus/${name}`, import.meta.url));

async function read(shards: readonly Shard[], options?: TextOptions): Promise<Text[]> {
  const all: Text[] = [];
  for await (const text of readTexts(shards, options)) all.push(text);
  return all;
}

const lines = (count: number) => Array.from({ length: count }, (_, i) => `text ${i} ${"of some length ".repeat(i % 7)}`);
const jsonl = (texts: readonly string[]) => texts.map((text) => `${JSON.stringify({ text })}\n`).join("");
const many = lines(20_000); // 1 MB

const seekable: [string, Uint8Array | string][] = [
  ["plain.jsonl", jsonl(many)],
  ["plain.json", jsonl(many)],
  ["plain.txt", many.join("\n")],
  ["plain.csv", ["text", ...many].join("\r\n")],
  ["plain.tsv", ["text", ...many].join("\n")],
];

test.each(seekable)("%s: behind a cursor only the rest is read", async (name, content) => {
  const shard = countedShard(name, content);
  const all = await read([shard]);
  expect(all.map(({ text }) => text)).toEqual(many);
  for (const i of [0, 9_999, 19_000, 19_999]) {
    shard.count.read = 0;
    const rest = await read([shard], { cursor: all[i].cursor });
    expect(rest).toEqual(all.slice(i + 1));
    const bytes = shard.byteLength - all[i].cursor.skip;
    expect(shard.count.read).toBeGreaterThanOrEqual(bytes);
    expect(shard.count.read).toBeLessThan(bytes + 4_000); // and what tells the kind, or the header
  }
});

test.each(["frames.jsonl.zst"])("%s: behind a cursor reading starts at the frame", async (name) => {
  const shard = countedShard(name, file(name), 64);
  const all = await read([shard]);
  const frames = [...new Set(all.map(({ cursor }) => cursor.at))];
  expect(frames).toHaveLength(3);
  for (const { cursor } of all) {
    shard.count.read = 0;
    await read([shard], { cursor });
    expect(shard.count.read).toBe(shard.byteLength - cursor.at);
  }
});

test("a Parquet file: behind a cursor the row groups before are not read, of a file with a page index nor the pages", async () => {
  for (const name of ["snappy.parquet", "gzip.parquet"]) {
    const shard = countedShard(name, file(name));
    const [first, ...all] = await read([shard]);
    shard.count.read = 0;
    await read([shard], { cursor: first.cursor });
    const whole = shard.count.read;
    shard.count.read = 0;
    await read([shard], { cursor: all[all.length - 2].cursor });
    expect(shard.count.read).toBeLessThan(whole);
  }
});

test("gzip is read again from the start: its members cannot be found without inflating", async () => {
  const shard = countedShard("members.jsonl.gz", file("members.jsonl.gz"));
  const all = await read([shard]);
  shard.count.read = 0;
  await read([shard], { cursor: all[all.length - 1].cursor });
  expect(shard.count.read).toBe(shard.byteLength);
});

const shards = [countedShard("a.jsonl", jsonl(lines(5))), countedShard("b.jsonl", jsonl(lines(5)))];
const good = (await read(shards))[6].cursor;

const wrong: [string, unknown, string][] = [
  ["no object", 7, "cursor: expected version 1"],
  ["null", null, "cursor: expected version 1"],
  ["an empty object", {}, "cursor: expected version 1"],
  ["another version", { ...good, version: 2 }, "cursor: expected version 1, got 2"],
  ["other shards", { ...good, shards: "0123456789abcdef" }, "cursor: expected one of these 2 shards"],
  ["another column", { ...good, column: "body" }, 'cursor: expected one of column "text", got "body"'],
  ["a shard too many", { ...good, shard: 2 }, "cursor: expected a shard below 2, got 2"],
  ["a fraction", { ...good, skip: 1.5 }, "cursor: expected skip to be a whole number, got 1.5"],
  ["a negative place", { ...good, skip: -1 }, "cursor: expected skip to be a whole number"],
  ["text for a number", { ...good, row: "2" }, "cursor: expected row to be a whole number"],
  ["a place behind the end", { ...good, skip: 10_000 }, "b.jsonl: expected a cursor into it"],
  ["a place inside a row", { ...good, skip: good.skip - 3 }, "b.jsonl: expected a cursor behind one of its rows"],
  ["a frame where there are none", { ...good, at: 4 }, "b.jsonl: expected a cursor into it"],
  ["shuffling", { ...good, shuffle: { window: 3, block: 0, index: 0 } }, "cursor: expected one without shuffling, got 3"],
];

test.each(wrong)("a cursor with %s is refused", async (_, cursor, message) => {
  const error = await read(shards, { cursor: cursor as Cursor }).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CorpusError);
  expect(error).toMatchObject({ code: "FORMAT", message: expect.stringContaining(message), remedy: expect.any(String) });
});

test("a cursor is of these shards: their names, sizes and order", async () => {
  const [a, b] = shards;
  const others = [[a], [b, a], [a, b, b], [a, countedShard("c.jsonl", jsonl(lines(5)))], [a, countedShard("b.jsonl", jsonl(lines(6)))]];
  for (const other of others) await expect(read(other, { cursor: good })).rejects.toThrow("cursor: expected one of these");
  expect(await read([countedShard("a.jsonl", jsonl(lines(5)), 3), b], { cursor: good })).toHaveLength(3);
});

test.each(["snappy.parquet", "array.json", "frames.jsonl.zst", "members.jsonl.gz", "rows.csv"])("%s: places that it does not have are refused", async (name) => {
  const shard = countedShard(name, file(name));
  const { cursor } = (await read([shard]))[40];
  for (const place of [{ at: 10_000_000 }, { skip: 10_000_000 }, { at: 3, skip: 0 }]) {
    if (name === "snappy.parquet" && place.at === 3) continue; // it has such a row group
    await expect(read([shard], { cursor: { ...cursor, ...place } })).rejects.toMatchObject({ name: "CorpusError", code: "FORMAT" });
  }
});

test("the last cursor has nothing behind it, in its shard or in the empty ones after", async () => {
  const all = [...shards, countedShard("empty.jsonl", "")];
  const read_ = await read(all);
  expect(await read(all, { cursor: read_[9].cursor })).toEqual([]);
});
