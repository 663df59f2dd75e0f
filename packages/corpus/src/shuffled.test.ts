import { expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { readTexts, type Cursor, type Shard, type Text, type TextOptions } from "./index.js";

async function read(shards: readonly Shard[], options?: TextOptions): Promise<Text[]> {
  const all: Text[] = [];
  for await (const text of readTexts(shards, options)) all.push(text);
  return all;
}

/** A permutation for each block: a stride through n that is coprime to it, and turned by the block. */
function order(n: number, block: number): Uint32Array {
  const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));
  let stride = 5 + block;
  while (gcd(stride, n) !== 1) stride++;
  return Uint32Array.from({ length: n }, (_, i) => (i * stride + block) % n);
}

const texts = Array.from({ length: 47 }, (_, i) => `text ${i}`);
const jsonl = (some: readonly string[]) => some.map((text, i) => (i % 5 === 2 ? '{"text":null}\n' : "") + `${JSON.stringify({ text })}\n`).join("");
const shards = [countedShard("a.jsonl", jsonl(texts.slice(0, 13)), 50), countedShard("b.jsonl", ""), countedShard("c.txt", texts.slice(13).join("\n"), 7)];

test.each([1, 2, 10, 46, 47, 48, 1000])("blocks of %i texts, across shards, each in the order asked for", async (window) => {
  const wanted: string[] = [];
  for (let block = 0; block * window < texts.length; block++) {
    const inOrder = texts.slice(block * window, (block + 1) * window);
    wanted.push(...Array.from(order(inOrder.length, block), (i) => inOrder[i]));
  }
  expect((await read(shards, { shuffle: { window, order } })).map(({ text }) => text)).toEqual(wanted);
});

test.each([1, 3, 10, 100])("in blocks of %i a cursor behind any text gives exactly the rest", async (window) => {
  const options = { shuffle: { window, order } };
  const all = await read(shards, options);
  for (let i = 0; i < all.length; i++) {
    const cursor = JSON.parse(JSON.stringify(all[i].cursor)) as Cursor;
    expect(await read(shards, { ...options, cursor })).toEqual(all.slice(i + 1));
  }
});

test("a cursor is of its window", async () => {
  const [{ cursor }] = await read(shards, { shuffle: { window: 10, order } });
  await expect(read(shards, { shuffle: { window: 11, order }, cursor })).rejects.toThrow("cursor: expected one of shuffling by 11, got 10");
  await expect(read(shards, { cursor })).rejects.toThrow("cursor: expected one without shuffling, got 10");
  await expect(read(shards, { shuffle: { window: 10, order }, cursor: { ...cursor, shuffle: { window: 10, block: 0, index: 11 } } })).rejects.toThrow("cursor: expected a text of a block of 10, got 11");
});

test.each([
  ["short", (n: number) => order(n - 1, 0)],
  ["with one twice", (n: number) => new Uint32Array(n)],
  ["that reaches too far", (n: number) => Uint32Array.from({ length: n }, (_, i) => i + 1)],
])("an order %s is refused", async (_, wrong) => {
  await expect(read(shards, { shuffle: { window: 10, order: wrong } })).rejects.toMatchObject({ code: "USAGE", message: expect.stringContaining("shuffle: expected order(10, 0) to be a permutation") });
});

test.each([0, -1, 1.5, Number.NaN])("a window of %d is refused", async (window) => {
  await expect(read(shards, { shuffle: { window, order } })).rejects.toMatchObject({ code: "USAGE", message: `shuffle: expected a window of 1 or more texts, got ${window}` });
});

test("a block ends where its texts pass 64 Mi characters: long texts do not pile up", async () => {
  const text = "x".repeat(2 ** 24);
  const sizes: number[] = [];
  const shuffle = { window: 1000, order: (n: number) => (sizes.push(n), Uint32Array.from({ length: n }, (_, i) => n - 1 - i)) };
  let count = 0;
  for await (const _ of readTexts([countedShard("long.txt", `${text}\n`.repeat(9), 2 ** 20)], { shuffle })) count++;
  expect({ count, sizes }).toEqual({ count: 9, sizes: [4, 4, 1] });
});
