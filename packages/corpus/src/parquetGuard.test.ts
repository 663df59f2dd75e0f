import { expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { levels, plain, run, tinyParquet, type TinyPage } from "../testing/tinyParquet.js";
import { readTexts } from "./index.js";

async function read(file: Uint8Array): Promise<string[]> {
  const texts: string[] = [];
  for await (const { text } of readTexts([countedShard("a.parquet", file, 1000)])) texts.push(text);
  return texts;
}

test("what is no lie is read: plain, by a dictionary, nulls", async () => {
  expect(await read(tinyParquet([{ body: [...levels(2), ...plain("one"), ...plain("two")], count: 2 }], { rows: 2 }))).toEqual(["one", "two"]);
  const dictionary: TinyPage = { body: [...plain("one"), ...plain("two")], count: 2, dictionary: true };
  expect(await read(tinyParquet([dictionary, { body: [...levels(3), 1, ...run(2, 1), ...run(1, 0)], count: 3, encoding: 8 }], { rows: 3 }))).toEqual(["two", "two", "one"]);
  expect(await read(tinyParquet([{ body: [10, 0, 0, 0, ...run(1, 1), ...run(1, 0), ...run(1, 1), ...run(1, 0), ...run(1, 1), ...plain("a"), ...plain("b"), ...plain("c")], count: 5 }], { rows: 5 }))).toEqual(["a", "b", "c"]);
});

const milliard = 2 ** 30;
const dictionary: TinyPage = { body: plain("x"), count: 1, dictionary: true };
const lies: [string, Uint8Array][] = [
  ["a run of levels", tinyParquet([{ body: [...levels(milliard), ...plain("x")], count: 1 }])],
  ["a run of indices", tinyParquet([dictionary, { body: [...levels(1), 1, ...run(milliard, 0)], count: 1, encoding: 8 }])],
  ["a packed run of no bits", tinyParquet([dictionary, { body: [...levels(1), 0, ...run(milliard, 0)], count: milliard, encoding: 8 }])],
  ["the values of a page", tinyParquet([{ body: [...levels(1), ...plain("x")], count: milliard }])],
  ["values by a dictionary of one", tinyParquet([dictionary, { body: [...levels(milliard), 0], count: milliard, encoding: 8 }], { rows: milliard })],
  ["nulls", tinyParquet([{ body: levels(milliard, 0), count: milliard }], { rows: milliard })],
  ["a dictionary", tinyParquet([{ ...dictionary, count: milliard }, { body: [...levels(1), 1, ...run(1, 0)], count: 1, encoding: 8 }])],
  ["the size of a dictionary", tinyParquet([{ ...dictionary, size: 2 ** 31 - 1 }, { body: [...levels(1), 1, ...run(1, 0)], count: 1, encoding: 8 }], { codec: 1 })],
  ["the size of a page, snappy", tinyParquet([{ body: [0xff, 0xff, 0xff, 0xff, 0x0f, 0], count: 1, size: 2 ** 31 - 1 }], { codec: 1 })],
  ["the size of a page, zstd", tinyParquet([{ body: [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0xff, 1, 0, 0], count: 1, size: 8 }], { codec: 6 })],
  ["the packed size of a page", tinyParquet([{ body: [...levels(1), ...plain("x")], count: 1, packed: 2 ** 31 - 1 }])],
  ["what texts share", tinyParquet([{ body: [...levels(1), 128, 1, 4, 1, ...run(milliard, 0).slice(0, 5), 128, 1, 4, 1, 2, 120], count: 1, encoding: 7 }])],
  ["rows in a group", tinyParquet([{ body: [...levels(1), ...plain("x")], count: 1 }], { rows: 2 ** 40 })],
  ["less than no children of a column", tinyParquet([{ body: [...levels(1), ...plain("x")], count: 1 }], { children: -1 })],
  ["row groups", tinyParquet([{ body: [...levels(1), ...plain("x")], count: 1 }], { lists: milliard })],
];

test.each(lies)("of a small file %s can't take the machine: it is refused at once", async (_, file) => {
  const before = process.memoryUsage();
  const error = await read(file).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "CorpusError", code: expect.stringMatching(/^(FORMAT|UNSUPPORTED)$/) });
  const after = process.memoryUsage();
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(64 * 2 ** 20);
});
