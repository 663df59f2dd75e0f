import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { readTexts, type Cursor, type Shard, type ShardReport, type Text, type TextOptions } from "./index.js";

const file = (name: string) => readFileSync(new URL(`../../../oracles/corpus/${name}`, import.meta.url));
const expected = JSON.parse(file("expected.json").toString()) as { files: Record<string, Record<string, number>>; lists: (string | null)[][] };
const cases = Object.entries(expected.files).flatMap(([name, columns]) => Object.entries(columns).map(([column, list]) => ({ name, column, list: expected.lists[list] })));
const isPlainText = (name: string) => name.startsWith("lines.txt");
/** What `datasets` reads, less the rows without a text, and less the blank lines of plain text. */
const textsOf = (name: string, list: (string | null)[]) => list.filter((text) => text !== null && !(isPlainText(name) && text.trim() === "")) as string[];

async function read(shards: readonly Shard[], options?: TextOptions): Promise<Text[]> {
  const all: Text[] = [];
  for await (const text of readTexts(shards, options)) all.push(text);
  return all;
}
const texts = async (shards: readonly Shard[], options?: TextOptions) => (await read(shards, options)).map(({ text }) => text);
const throughJson = (cursor: Cursor) => JSON.parse(JSON.stringify(cursor)) as Cursor;

test.each(cases)("$name, $column: the texts that datasets reads, the nulls counted", async ({ name, column, list }) => {
  const reports: ShardReport[] = [];
  const wanted = textsOf(name, list);
  expect(await texts([countedShard(name, file(name))], { column, onShard: (report) => reports.push(report) })).toEqual(wanted);
  expect(reports).toEqual([{ name, texts: wanted.length, nulls: list.filter((text) => text === null).length, broken: 0 }]);
});

test.each(Object.keys(expected.files).filter((name) => !name.endsWith(".parquet")))("%s cut at any byte reads the same, cursors too", async (name) => {
  const whole = await read([countedShard(name, file(name), 2 ** 20)]);
  for (let size = 1; size <= 16; size++) expect(await read([countedShard(name, file(name), size)])).toEqual(whole);
});

const edges: [string, string, string[]][] = [
  ["a.csv", '\ufeffid,text\r\n1,"naïve, 日本語 😀\r\nsecond ""line"""\r\n2,  outer  \n\n   \n3,שלום\r4,""\r\r\n5,"   "\r\n6,last', ['naïve, 日本語 😀\r\nsecond "line"', "  outer  ", "שלום", "   ", "last"]],
  ["a.csv", '"text"\none\n', ["one"]],
  ["a.csv", '\ufeff"text"\r"one"\r"two"\r', ["one", "two"]],
  ["a.tsv", 'text\tid\n"a\tb"\t1\n"c, d"\t2\n', ["a\tb", "c, d"]],
  ["a.jsonl", '\ufeff\n{"text":"é"}\r\n\r\n \t\n{"text":"\\ud83d\\ude00"}\n{"text":""}', ["é", "😀", ""]],
  ["a.txt", "\ufeff\ufeffone\r\n\r\n\ttwo \n\n\nthree\rfour\n", ["\ufeffone", "\ttwo ", "three\rfour"]],
  ["a.txt", "\ufeff\n\u00efx", ["\u00efx"]],
  ["a.txt", "x", ["x"]],
  ["a.json", '\ufeff \n[ {"text":"one"},\n{"text":"two"} ]\n', ["one", "two"]],
  ["a.json", '\n {"text":"one"}\n{"text":"two"}', ["one", "two"]],
];

test.each(edges)("%s %j, plain and in gzip, cut anywhere: texts, and the rest behind each", async (name, content, wanted) => {
  for (const [full, bytes] of [[name, new TextEncoder().encode(content)], [`${name}.gz`, gzipSync(content)]] as const) {
    const all = await read([countedShard(full, bytes)]);
    expect(all.map(({ text }) => text)).toEqual(wanted);
    for (let size = 1; size <= 16; size++) {
      const shards = [countedShard(full, bytes, size)];
      expect(await read(shards)).toEqual(all);
      for (const [i, { cursor }] of all.entries()) expect(await read(shards, { cursor: throughJson(cursor) })).toEqual(all.slice(i + 1));
    }
  }
});

test.each(cases)("$name, $column: a cursor behind any text gives exactly the rest", async ({ name, column }) => {
  const shards = [countedShard(`first/${name}`, file(name)), countedShard(`second/${name}`, file(name))];
  const all = await read(shards, { column });
  for (let i = 0; i < all.length; i += column === "text" && i < 70 ? 1 : 7) {
    expect(await read(shards, { column, cursor: throughJson(all[i].cursor) })).toEqual(all.slice(i + 1));
  }
});
