import { createReadStream, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CorpusError, readCsv, type TextRow } from "./index.js";

const oracle = (file: string) => new URL(`../../../oracles/sparse-rep/${file}`, import.meta.url);
const expected = JSON.parse(readFileSync(oracle("expected.json"), "utf8")) as {
  cases: { name: string; csv: string; sentences: { text: string }[] }[];
};

async function* chunks(content: string | Uint8Array, size = 7) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(source: AsyncIterable<Uint8Array>, column = "sentence"): Promise<TextRow[]> {
  const rows: TextRow[] = [];
  for await (const row of readCsv(source, { column, name: "sentences.csv" })) rows.push(row);
  return rows;
}

const texts = async (content: string, column?: string) => (await read(chunks(content), column)).map(({ text }) => text);

test.each(expected.cases)("$name: the texts of $csv are those that pandas reads", async ({ csv, sentences }) => {
  const rows = await read(createReadStream(oracle(csv)));
  expect(rows.map(({ text }) => text)).toEqual(sentences.map(({ text }) => text));
});

const everything = '\ufeffid,sentence\r\n1,"naïve, 日本語 😀\r\nsecond ""line"""\r\n2,  outer  \n\n   \n3,שלום עולם\r4,""\r\n5,"   "\r\n6,last';
const everythingRead: TextRow[] = [
  { text: 'naïve, 日本語 😀\r\nsecond "line"', line: 2 },
  { text: "  outer  ", line: 4 },
  { text: "שלום עולם", line: 7 },
  { text: "", line: 8 },
  { text: "   ", line: 9 },
  { text: "last", line: 10 },
];

test("a file cut at any byte reads the same: inside a character, a quote pair, a \\r\\n", async () => {
  const bytes = new TextEncoder().encode(everything);
  for (let size = 1; size <= 16; size++) expect(await read(chunks(bytes, size))).toEqual(everythingRead);
  for (let at = 0; at <= bytes.length; at++) {
    const halves = [bytes.subarray(0, at), bytes.subarray(at)];
    expect(await read((async function* () { yield* halves; })())).toEqual(everythingRead);
  }
});

test.each([["\n"], ["\r\n"], ["\r"]])("lines may end in %j, the last one or not", async (end) => {
  for (const last of ["", end, end + end]) {
    expect(await read(chunks(["sentence,b", "one,1", "", "two,2"].join(end) + last))).toEqual([
      { text: "one", line: 2 },
      { text: "two", line: 4 },
    ]);
  }
});

test("blank lines are skipped in a file of one column, quoted blanks are texts", async () => {
  expect(await texts('\n \nsentence\n\none\n \t\n""\n"  "\ntwo\n\n')).toEqual(["one", "", "  ", "two"]);
});

test("nothing is a missing value or a number", async () => {
  const cells = ["NA", "null", "None", "nan", "", "42", "1e5", "True"];
  expect(await texts(`sentence,note\n${cells.map((cell) => `${cell},x`).join("\n")}`)).toEqual(cells);
});

test("a quote inside an unquoted cell is a character", async () => {
  expect(await texts('sentence,b\nShe said "go",1\nthe 12" record,2\n')).toEqual(['She said "go"', 'the 12" record']);
});

test("other columns may share a name, or have none", async () => {
  expect(await texts(",x,sentence,x,\na,b,one,c,d\n")).toEqual(["one"]);
});

const bad: [string, string, string, string | undefined][] = [
  ["an empty file", "", 'sentences.csv: expected a header with a column "sentence", got an empty file', undefined],
  ["blank lines only", "\n  \r\n", 'sentences.csv: expected a header with a column "sentence", got an empty file', undefined],
  ["a header only", "id,sentence\n\n", "sentences.csv: expected rows below the header, got none", undefined],
  ["a missing column", "id,text\n1,a\n", 'sentences.csv: expected a column "sentence", got "id", "text"', "choose one with --column"],
  ["a column in another case", "Sentence\na\n", 'sentences.csv: expected a column "sentence", got "Sentence"', "choose one with --column"],
  ["a column with a space", "id, sentence\n1,a\n", 'sentences.csv: expected a column "sentence", got "id", " sentence"', "choose one with --column"],
  ["semicolons", "id;sentence\n1;a\n", 'sentences.csv: expected a column "sentence", got "id;sentence"', "separate fields with commas"],
  ["a column twice", "sentence,id,sentence\na,1,b\n", 'sentences.csv: expected one column "sentence", got 2', "give each column its own name"],
  ["an unquoted comma", "sentence\none\n\nHello, world\n", "sentences.csv:4: expected 1 field as in the header, got 2", 'put quotes around a cell with commas: "Well, yes"'],
  ["a row too long", 'id,sentence\n1,"a\r\nb"\n2,x,y\n', "sentences.csv:4: expected 2 fields as in the header, got 3", 'put quotes around a cell with commas: "Well, yes"'],
  ["a row too short", "id,sentence\n1,a\n2\n", "sentences.csv:3: expected 2 fields as in the header, got 1", "give every row a field for each column"],
  ["an unclosed quote", 'id,sentence\n1,a\n"2\n2","b\n3,c\n', 'sentences.csv:4: expected a quoted cell "…" up to the next comma or line end, got a quote that is never closed', 'write a quote inside a quoted cell as ""'],
  ["text after a quote", 'sentence,id\na,1\n"b" c,2\n', 'sentences.csv:3: expected a quoted cell "…" up to the next comma or line end, got text after the closing quote', 'write a quote inside a quoted cell as ""'],
  ["a quote closed by the next one", 'sentence,id\n"b,2\n"c",3\n', 'sentences.csv:2: expected a quoted cell "…" up to the next comma or line end, got text after the closing quote', 'write a quote inside a quoted cell as ""'],
];

test.each(bad)("%s is an error with its place", async (_, content, message, remedy) => {
  for (const size of [1, 7, 1000]) {
    const error = await read(chunks(content, size)).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(CorpusError);
    expect(error).toMatchObject({ code: "FORMAT", message, remedy });
  }
});

test("bytes that are not UTF-8 are an error with their offset", async () => {
  const latin1 = Uint8Array.from([...new TextEncoder().encode("sentence\ncaf"), 0xe9, 0x0a]);
  await expect(read(chunks(latin1))).rejects.toMatchObject({
    code: "FORMAT",
    message: "sentences.csv: expected UTF-8, got byte 0xe9 at offset 12",
  });
});

test("an unclosed quote does not hold the rest of a large file in memory", async () => {
  let read = 0;
  async function* large() {
    yield new TextEncoder().encode('sentence\nfirst\n"second\n');
    for (; read < 100; read++) yield new Uint8Array(2 ** 20).fill(0x61);
  }
  const rows = readCsv(large(), { column: "sentence", name: "large.csv" });
  await expect((async () => { for await (const _ of rows); })()).rejects.toThrow("large.csv:3: expected a row of at most 64 MiB, got a longer one, or a quote that is never closed");
  expect(read).toBeLessThan(70);
}, 30_000);

test("a file that cannot be opened or read says so in one line", async () => {
  await expect(read(createReadStream(oracle("absent.csv")))).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: "sentences.csv: expected a readable file, got no such file",
  });
  await expect(read(createReadStream(oracle("model/")))).rejects.toMatchObject({ code: "IO" });
});

test("another error of the source passes through", async () => {
  const reason = new Error("stopped");
  async function* failing() {
    yield new TextEncoder().encode("sentence\none\n");
    throw reason;
  }
  await expect(read(failing())).rejects.toBe(reason);
});

test("200,000 rows stream: the source is read a little ahead, and closed when the reader stops", async () => {
  const rowsPerChunk = 100;
  let made = 0;
  let closed = false;
  async function* source() {
    try {
      yield new TextEncoder().encode("id,sentence\n");
      while (made < 200_000) {
        let text = "";
        for (let row = 0; row < rowsPerChunk; row++, made++) text += `${made},"the ${made}th row, of many"\n`;
        yield new TextEncoder().encode(text);
      }
    } finally {
      closed = true;
    }
  }
  let taken = 0;
  let wrong = 0;
  let furthestAhead = 0;
  for await (const { text, line } of readCsv(source(), { column: "sentence", name: "large.csv" })) {
    wrong += Number(text !== `the ${taken}th row, of many` || line !== taken + 2);
    furthestAhead = Math.max(furthestAhead, made - taken);
    taken++;
  }
  expect({ taken, wrong }).toEqual({ taken: 200_000, wrong: 0 });
  expect(furthestAhead).toBeLessThan(20 * rowsPerChunk);

  made = 0;
  closed = false;
  for await (const _ of readCsv(source(), { column: "sentence", name: "large.csv" })) break;
  await expect.poll(() => closed).toBe(true);
  expect(made).toBeLessThan(20 * rowsPerChunk);
}, 30_000);
