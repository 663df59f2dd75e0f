import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { csvColumns, emptySparseStatistics, formatCsv, formatJson, formatJsonl, formatMarkdown, statistics, type Analysis, type SentenceReport, type Sentences } from "./index.js";

const sentences: SentenceReport[] = [
  {
    sentence: 'Well, "yes"\nand | no\r\n=1+1 <b>*x*</b>',
    tokens: 9,
    original: statistics([0.1, Math.fround(0.2), -3]),
    sparse: { mean: 1e-7, variance: 1 / 3, maxWeight: 12345.678, maxPosition: 1535, l0: 32 },
    top: [{ feature: 1024, weight: 3.25 }, { feature: 17, weight: Math.fround(1.1) }],
  },
  { sentence: "", tokens: 0, original: statistics([]), sparse: emptySparseStatistics, top: [] },
  { sentence: "  日本語 שלום 👩‍👩‍👧\r", tokens: 3, original: statistics([1]), sparse: { mean: 0, variance: 0, maxWeight: 0, maxPosition: 0, l0: 0 }, top: [] },
];
const provenance = { model: "demo", dictionary: "demo", site: "layers.3.mlp_out", pooling: "mean", device: "cpu" };

async function* oneByOne(): AsyncGenerator<SentenceReport> {
  yield* sentences;
}

async function join(chunks: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const chunk of chunks) text += chunk;
  return text;
}

test.each<[string, Sentences]>([["an array", sentences], ["a stream", oneByOne()]])("JSON of %s reads back as the analysis", async (_, given) => {
  const text = await join(formatJson(provenance, given));
  expect(JSON.parse(text)).toEqual({ ...provenance, sentences } satisfies Analysis);
  expect(text.endsWith("\n")).toBe(true);
});

test("JSON of no sentence is an empty list", async () => {
  expect(JSON.parse(await join(formatJson(provenance, [])))).toEqual({ ...provenance, sentences: [] });
});

test("JSONL has one sentence a line", async () => {
  const text = await join(formatJsonl(oneByOne()));
  expect(text.trimEnd().split("\n").map((line): unknown => JSON.parse(line))).toEqual(sentences);
});

test("CSV reads back: every text to the letter, every digit, empty cells for a sentence without tokens", async () => {
  const rows = parse(await join(formatCsv(oneByOne())), { columns: true, record_delimiter: ["\r\n", "\n", "\r"] }) as Record<string, string>[];
  expect(rows).toHaveLength(3);
  expect(Object.keys(rows[0])).toEqual([...csvColumns]);
  expect(rows.map(({ sentence }) => sentence)).toEqual(sentences.map(({ sentence }) => sentence));
  const [first, second] = rows;
  const { original, sparse } = sentences[0];
  expect([first.tokens, first.orig_mean, first.orig_var, first.orig_max_weight, first.orig_max_pos].map(Number)).toEqual([9, original.mean, original.variance, original.maxWeight, original.maxPosition]);
  expect([first.sparse_mean, first.sparse_var, first.sparse_max_weight, first.sparse_max_pos, first.sparse_l0].map(Number)).toEqual([sparse.mean, sparse.variance, sparse.maxWeight, sparse.maxPosition, sparse.l0]);
  expect(first.top).toBe(`1024:3.25 17:${Math.fround(1.1)}`);
  expect(Object.values(second)).toEqual(["", "0", ...Array.from({ length: 10 }, () => "")]);
});

test("CSV and JSONL are written as the sentences come", async () => {
  for (const format of [formatCsv, formatJsonl]) {
    let made = 0;
    async function* endless(): AsyncGenerator<SentenceReport> {
      for (;;) {
        made++;
        yield sentences[0];
      }
    }
    let chunks = 0;
    for await (const _ of format(endless())) if (++chunks === 5) break;
    expect(made).toBeLessThanOrEqual(5);
  }
});

test("Markdown is a table that GitHub reads: one line a row, markup escaped", async () => {
  const lines = (await join(formatMarkdown(sentences))).trimEnd().split("\n");
  expect(lines).toHaveLength(5);
  expect(lines[0]).toBe("| Sentence | Orig Mean | Orig Var | Orig Max Weight | Orig Max Pos | Sparse Mean | Sparse Var | Sparse Max Weight | Sparse Max Pos | Top Features |");
  expect(lines[2]).toBe(String.raw`| Well, "yes"<br>and \| no<br>=1+1 \<b\>\*x\*\</b\> | -0.9 | 2.20667 | 0.2 | 1 | 1e-07 | 0.333333 | 12345.7 | 1535 | 1024:3.25  17:1.1 |`);
  expect(lines[3]).toBe(`|  |${"  |".repeat(8)}  |`);
  expect(lines.every((line) => line.match(/(?<!\\)\|/g)?.length === 11)).toBe(true);
});
