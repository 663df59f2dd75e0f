import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { CorpusError, readTexts, type Shard, type ShardReport, type Text, type TextOptions } from "./index.js";

const file = (name: string) => Uint8Array.from(readFileSync(new URL(`../../../oracles/corpus/${name}`, import.meta.url)));

async function read(shards: readonly Shard[], options?: TextOptions): Promise<Text[]> {
  const all: Text[] = [];
  for await (const text of readTexts(shards, options)) all.push(text);
  return all;
}

async function readWithReports(name: string, content: Uint8Array | string, column = "text") {
  const broken: string[] = [];
  const reports: ShardReport[] = [];
  const texts = await read([countedShard(name, content)], { column, onBroken: (row) => broken.push(row), onShard: (report) => reports.push(report) });
  return { texts: texts.map(({ text }) => text), broken, report: reports[0] };
}

const bytes = (...parts: (string | number[])[]) => Uint8Array.from(parts.flatMap((part) => (typeof part === "string" ? [...new TextEncoder().encode(part)] : part)));

const brokenRows: [string, string, Uint8Array, string][] = [
  ["no JSON", "a.jsonl", bytes('{"text":"one"}\n\n{oops\n{"text":"two"}\n'), 'a.jsonl:3: expected a JSON object, got "{oops"'],
  ["a line that is cut off", "a.jsonl", bytes('{"text":"one"}\n{"text":"two"}\n{"te'), 'a.jsonl:3: expected a JSON object, got "{\\"te"'],
  ["another JSON", "a.jsonl", bytes('{"text":"one"}\r\n[1,2]\r\n{"text":"two"}'), "a.jsonl:2: expected an object, got an array of 2"],
  ["no column", "a.jsonl", bytes('{"text":"one"}\n{"body":1,"id":2}\n{"text":"two"}\n'), 'a.jsonl:2: expected a column "text", got "body", "id"'],
  ["a number", "a.jsonl", bytes('{"text":"one"}\n{"text":42}\n{"text":"two"}\n'), 'a.jsonl:2: expected a text in "text", got 42'],
  ["other bytes", "a.jsonl", bytes('{"text":"one"}\n{"text":"caf', [0xe9], '"}\n{"text":"two"}\n'), "a.jsonl:2: expected UTF-8, got other bytes"],
  ["a number in an array", "a.json", bytes(' [{"text":"one"}, {"text":42}, {"text":"two"}]'), 'a.json[1]: expected a text in "text", got 42'],
  ["other bytes in plain text", "a.txt", bytes("one\ncaf", [0xe9], "\ntwo"), "a.txt:2: expected UTF-8, got other bytes"],
  ["a field too many", "a.csv", bytes('id,text\n1,one\n2,"two\nlines",x\n3,two\n'), "a.csv:3: expected 2 fields as in the header, got 3"],
  ["text after a quote", "a.csv", bytes('id,text\n1,one\n2,"two" lines\n3,two\n'), 'a.csv:3: expected a quoted cell "…" up to the next comma or line end, got text after the closing quote'],
  ["other bytes in a cell", "a.csv", bytes("id,text\n1,one\n2,caf", [0xe9], "\n3,two\n"), "a.csv:3: expected UTF-8, got other bytes"],
  ["text after a quote", "a.tsv", bytes('id\ttext\n1\tone\n2\t"two", lines\n3\ttwo\n'), 'a.tsv:3: expected a quoted cell "…" up to the next tab or line end, got text after the closing quote'],
];

test.each(brokenRows)("a row with %s is passed over and told, %s", async (_, name, content, message) => {
  const { texts, broken, report } = await readWithReports(name, content);
  expect({ texts, broken, report }).toEqual({ texts: ["one", "two"], broken: [message], report: { name, texts: 2, nulls: 0, broken: 1 } });
});

test("a Parquet text that is not UTF-8 is one broken row", async () => {
  const { texts, broken } = await readWithReports("utf8.parquet", file("utf8.parquet"));
  expect({ texts, broken }).toEqual({ texts: ["good", "good again"], broken: ["utf8.parquet:2: expected UTF-8, got other bytes"] });
});

test("bytes that are not UTF-8 in another cell of a row are nobody's", async () => {
  const { texts } = await readWithReports("a.csv", bytes("id,text\n", [0xe9], ",one\n"));
  expect(texts).toEqual(["one"]);
});

const row = (broken: boolean) => (broken ? '{"text":\n' : '{"text":"fine"}\n');
const rows = (count: number, broken: (i: number) => boolean) => Array.from({ length: count }, (_, i) => row(broken(i))).join("");

test("up to 1 % broken rows are passed over, the first five told", async () => {
  const { texts, broken, report } = await readWithReports("a.jsonl", rows(1000, (i) => i % 100 === 99));
  expect(broken).toEqual([100, 200, 300, 400, 500].map((line) => `a.jsonl:${line}: expected a JSON object, got "{\\"text\\":"`));
  expect({ count: texts.length, broken: report.broken }).toEqual({ count: 990, broken: 10 });
});

test("more than 1 % of at least 100 rows is an error that shows the first", async () => {
  const content = rows(1000, (i) => i % 50 === 0);
  const error = await read([countedShard("a.jsonl", content)]).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(CorpusError);
  expect(error).toMatchObject({ code: "FORMAT", remedy: expect.any(String) });
  expect((error as Error).message.split("\n")).toEqual([
    "texts: expected at most 1 % broken rows, got 3 of 101, such as",
    ...[1, 51, 101].map((line) => `  a.jsonl:${line}: expected a JSON object, got "{\\"text\\":"`),
  ]);
  expect(await read([countedShard("a.jsonl", rows(99, (i) => i < 50))])).toHaveLength(49); // too few to judge
});

test("the share of broken rows is that of all rows, however often reading was taken up again", async () => {
  const shards = [countedShard("a.jsonl", rows(1000, () => false)), countedShard("b.jsonl", rows(100, (i) => i % 20 === 3)), countedShard("c.jsonl", rows(100, (i) => i < 30))];
  const seen: Text[] = [];
  const whole = await (async () => {
    for await (const text of readTexts(shards)) seen.push(text);
  })().catch((reason: Error) => reason.message);
  expect(whole).toContain("got 12 of 1107"); // 5 in b, 7 in c
  for (const text of [seen[0], seen[999], seen[1050]]) {
    await expect(read(shards, { cursor: text.cursor })).rejects.toThrow("got 12 of 1107");
  }
});

const missing: [string, string, Uint8Array | string, string][] = [
  ["text", "a.jsonl", '\n{"body":"one","meta":{}}\n', 'a.jsonl:2: expected a column "text", got "body", "meta"'],
  ["meta.text", "a.jsonl", '{"text":"one","meta":{"id":1}}\n', 'a.jsonl:1: expected a column "meta.text", got "text", "meta"'],
  ["text", "a.json", '[{"body":"one"}]', 'a.json[0]: expected a column "text", got "body"'],
  ["text", "a.csv", "body,Text\n1,2\n", 'a.csv: expected a column "text", got "body", "Text"'],
  ["text", "a.tsv", "a,b\n", 'a.tsv: expected a column "text", got "a,b"'],
  ["body", "snappy.parquet", file("snappy.parquet"), 'snappy.parquet: expected a column "body", got "id", "text", "meta", "tags", "nothing", "bytes"'],
  ["meta.body", "snappy.parquet", file("snappy.parquet"), 'snappy.parquet: expected a column "meta.body", got "meta.pile_set_name", "meta.text"'],
];

test.each(missing)("no column %s in all of %s is an error that names those there are", async (column, name, content, message) => {
  const error = await read([countedShard(name, content)], { column }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "CorpusError", code: "FORMAT", message, remedy: "choose one with the option column; a member of a member by dots: meta.text" });
});

test.each([
  ["id", "values of type INT64"],
  ["tags", "lists"],
  ["nothing", "nothing but nulls"],
  ["bytes", "values of type BYTE_ARRAY"],
  ["meta", 'members "meta.pile_set_name", "meta.text"'],
])("a Parquet column %s holds no texts", async (column, got) => {
  const error = await read([countedShard("snappy.parquet", file("snappy.parquet"))], { column }).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ name: "CorpusError", code: "UNSUPPORTED", message: `snappy.parquet: expected texts in column "${column}", got ${got}`, remedy: expect.any(String) });
});

test("a column whose name has dots is preferred to members", async () => {
  const { texts } = await readWithReports("a.jsonl", '{"meta.text":"whole","meta":{"text":"member"}}\n{"meta":{"text":"member"}}\n{"meta":null}\n', "meta.text");
  expect(texts).toEqual(["whole", "member"]);
});

const wrongFiles: [string, string, Uint8Array | string, string, string][] = [
  ["zstd that is none", "a.jsonl.zst", '{"text":"one"}\n', "FORMAT", "a.jsonl.zst: expected a zstd frame (28 b5 2f fd) at byte 0, got 7b 22 74 65"],
  ["gzip that is none", "a.jsonl.gz", '{"text":"one"}\n', "FORMAT", "a.jsonl.gz: expected a whole gzip file, got one with a fault (incorrect header check) after 0 bytes of text"],
  ["Parquet that is none", "a.parquet", '{"text":"one"}\n', "FORMAT", "a.parquet: expected a whole Parquet file, got a fault: "],
  ["an array that is cut off", "a.json", '[{"text":"one"},', "FORMAT", "a.json: expected one JSON array, got a fault: "],
  ["an array that is not UTF-8", "a.json", bytes('[{"text":"', [0xe9], '"}]'), "FORMAT", "a.json: expected UTF-8, got other bytes"],
  ["a quote that is never closed", "a.csv", 'text\n"one\ntwo', "FORMAT", 'a.csv:2: expected a quoted cell "…" up to the next comma or line end, got a quote that is never closed'],
  ["a column twice", "a.csv", "text,text\n1,2\n", "FORMAT", 'a.csv: expected one column "text", got 2'],
  ["zstd with a dictionary", "a.txt.zst", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x00, 0x07, 0x01, 0x00, 0x00), "UNSUPPORTED", "a.txt.zst: expected zstd without a dictionary, got one at byte 0"],
  ["zstd with a huge window", "a.txt.zst", Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x98, 0x01, 0x00, 0x00), "UNSUPPORTED", "a.txt.zst: expected zstd with a window of at most 128 MiB, got 512 MiB"],
  ["another ending", "a.arrow", "x", "UNSUPPORTED", "a.arrow: expected a file that ends in .jsonl, "],
  ["a compression around Parquet", "a.parquet.gz", "x", "UNSUPPORTED", "a.parquet.gz: expected a file that ends in "],
  ["no row", "a.jsonl", "\n \n", "FORMAT", 'texts: expected texts in column "text" of a.jsonl, got no row'],
  ["nulls only", "a.csv", 'id,text\n1,\n2,""\n', "FORMAT", 'texts: expected texts in column "text" of a.csv, got none in 2 rows, 0 of them broken'],
  ["broken rows only", "a.jsonl", "x\ny\n", "FORMAT", 'got none in 2 rows, 2 of them broken, such as\n  a.jsonl:1: expected a JSON object, got "x"\n  a.jsonl:2:'],
];

test.each(wrongFiles)("%s is an error", async (_, name, content, code, message) => {
  for (const size of [1, 5, 1000]) {
    const error = await read([countedShard(name, content, size)]).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ name: "CorpusError", code, message: expect.stringContaining(message), remedy: expect.any(String) });
  }
});

test("no shards, and shards without a byte", async () => {
  await expect(read([])).rejects.toMatchObject({ code: "USAGE", message: "texts: expected shards, got none" });
  const empty = ["a.jsonl", "b.csv", "c.parquet", "d.txt.zst", "e.json.gz", "f.json", "g.tsv"].map((name) => countedShard(name, ""));
  await expect(read(empty)).rejects.toMatchObject({ code: "FORMAT", message: 'texts: expected texts in column "text" of 7 shards, got no row' });
  const some = [...empty, countedShard("empty.parquet", file("empty.parquet")), countedShard("g.txt", "one"), ...empty];
  expect((await read(some)).map(({ text }) => text)).toEqual(["one"]);
});

test.each(["frames.jsonl.zst", "members.jsonl.gz", "one.json.gz", "datasets.parquet"])("%s cut off is an error, behind texts that are right", async (name) => {
  const whole = file(name);
  const all = (await read([countedShard(name, whole)])).map(({ text }) => text);
  let errors = 0;
  for (let length = 1; length < whole.length; length += 41) {
    const texts: string[] = [];
    const reading = (async () => { for await (const { text } of readTexts([countedShard(name, whole.subarray(0, length))])) texts.push(text); })();
    const error = await reading.then(() => undefined, (reason: unknown) => reason);
    expect(texts).toEqual(all.slice(0, texts.length));
    expect(error).toMatchObject({ name: "CorpusError", code: "FORMAT" });
    errors++;
  }
  expect(errors).toBeGreaterThan(70);
});

test.each(["plain.jsonl", "array.json", "frames.jsonl.zst", "members.jsonl.gz", "rows.csv", "lines.txt", "snappy.parquet", "zstd.parquet", "delta.parquet", "brotli.parquet", "lz4.parquet"])(
  "%s with bytes changed gives texts or a CorpusError, nothing else",
  async (name) => {
    const whole = file(name);
    let state = 1;
    const random = (below: number) => (state = (state * 48271) % 0x7fffffff) % below;
    for (let i = 0; i < 60; i++) {
      const changed = Uint8Array.from(whole);
      for (let j = 0; j <= i % 3; j++) changed[i % 2 ? random(changed.length) : changed.length - 1 - random(Math.min(400, changed.length))] = random(256);
      const outcome = await read([countedShard(name, changed)]).catch((reason: unknown) => reason);
      expect(Array.isArray(outcome) ? "texts" : outcome).toSatisfy((one) => one === "texts" || one instanceof CorpusError);
    }
  },
);
