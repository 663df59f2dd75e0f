import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { terminalColumns } from "./displayWidth.js";
import { codePoints, emptySparseStatistics, formatG, formatTable, statistics, type Measure, type SentenceReport, type Statistics } from "./index.js";
import { grid } from "./grid.js";
import { numberColumn } from "./numberColumn.js";

const folder = new URL("../../../oracles/sparse-rep/", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");

interface Recorded {
  mean: number;
  variance: number;
  max_weight: number;
  max_position: number;
}

interface Case {
  name: string;
  sentences: ({ text: string; tokens: number } & Record<string, { original_stats: Recorded | null; sparse_stats: Recorded | null }>)[];
}

const { cases } = JSON.parse(read("expected.json")) as { cases: Case[] };

const ours = ({ mean, variance, max_weight, max_position }: Recorded): Statistics => ({ mean, variance, maxWeight: max_weight, maxPosition: max_position });

/** The sentences of a recorded case that have statistics. */
function recorded(name: string, pooling: string): SentenceReport[] {
  return cases.find((one) => one.name === name)!.sentences.flatMap(({ text, tokens, [pooling]: { original_stats, sparse_stats } }) =>
    original_stats && sparse_stats ? [{ sentence: text, tokens, original: ours(original_stats), sparse: { ...ours(sparse_stats), l0: 1 }, top: [] }] : [],
  );
}

async function table(rows: SentenceReport[], options?: { width?: number; measure?: Measure }): Promise<string> {
  let text = "";
  for await (const chunk of formatTable(rows, options)) text += chunk;
  return text;
}

const files = readdirSync(folder).filter((file) => file.startsWith("table."));

test("all recorded tables are here", () => expect(files).toHaveLength(16));

test.each(files)("%s is what the table of its numbers looks like", async (file) => {
  const [, name, pooling, wide] = file.split(".");
  const measure = wide === "wcwidth" ? terminalColumns : codePoints;
  expect(await table(recorded(name, pooling), { measure })).toBe(read(file));
});

interface GridCase {
  rows: (string | number)[][];
  floats: [row: number, column: number][];
  text: string;
  text_wcwidth: string;
}

const grids = JSON.parse(read("tables.json")) as { headers: string[]; tables: GridCase[] };

test.each(grids.tables)("tabulate's table of $rows", ({ rows, floats, text, text_wcwidth }) => {
  const special: Record<string, number> = { nan: NaN, inf: Infinity, "-inf": -Infinity };
  const cells = rows.map((row, r) =>
    row.map((cell, c) => (floats.some(([i, j]) => i === r && j === c) ? formatG(typeof cell === "number" ? cell : special[cell]) : String(cell))),
  );
  const [sentences, ...others] = grids.headers.map((_, c) => cells.map((row) => row[c]));
  const columns = [numberColumn(sentences), ...others];
  expect(grid(grids.headers, columns, codePoints)).toBe(text);
  expect(grid(grids.headers, columns, terminalColumns)).toBe(text_wcwidth);
});

const basic = recorded("basic", "masked");

test.each([160, 180, 200, 240, 400])("a table for a terminal of %i columns fits it", async (width) => {
  const lines = (await table(basic, { width })).trimEnd().split("\n");
  const widest = Math.max(...lines.map(terminalColumns));
  const narrowest = Math.max(...(await table(basic, { width: 1 })).split("\n").map(terminalColumns));
  expect(widest).toBeLessThanOrEqual(Math.max(width, narrowest));
  expect(new Set(lines.map(terminalColumns)).size).toBe(1);
});

test("a table that fits is not changed by the terminal's width", async () => {
  expect(await table(basic, { width: 1000 })).toBe(await table(basic));
});

test("on a narrow terminal the sentences keep 20 columns", async () => {
  const [rule] = (await table(basic, { width: 40 })).split("\n");
  expect(rule.indexOf("+", 1)).toBe(20 + 3);
});

const some: SentenceReport[] = [
  { sentence: "Peace.", tokens: 2, original: statistics([1, 2]), sparse: { mean: 0.5, variance: 0.25, maxWeight: 1, maxPosition: 7, l0: 2 }, top: [{ feature: 1024, weight: 3.2 }, { feature: 17, weight: 1.1 }] },
  { sentence: "", tokens: 0, original: statistics([]), sparse: emptySparseStatistics, top: [] },
];

test("the strongest features are a column more; a sentence without tokens has empty cells", async () => {
  expect(await table(some)).toBe(
    [
      "+------------+-------------+------------+-------------------+----------------+---------------+--------------+---------------------+------------------+------------------+",
      "|  Sentence  |  Orig Mean  |  Orig Var  |  Orig Max Weight  |  Orig Max Pos  |  Sparse Mean  |  Sparse Var  |  Sparse Max Weight  |  Sparse Max Pos  |   Top Features   |",
      "+============+=============+============+===================+================+===============+==============+=====================+==================+==================+",
      "|   Peace.   |     1.5     |    0.25    |         2         |       1        |      0.5      |     0.25     |          1          |        7         | 1024:3.2  17:1.1 |",
      "+------------+-------------+------------+-------------------+----------------+---------------+--------------+---------------------+------------------+------------------+",
      "|            |             |            |                   |                |               |              |                     |                  |                  |",
      "+------------+-------------+------------+-------------------+----------------+---------------+--------------+---------------------+------------------+------------------+",
      "",
    ].join("\n"),
  );
});

test("with a terminal's width the strongest features stand two a line", async () => {
  const top = [5, 4, 3, 2, 1].map((weight) => ({ feature: 32_000 + weight, weight: weight + 0.12345 }));
  const text = await table([{ ...some[0], top }], { width: 100 });
  expect(text).toContain("32005:5.12345  32004:4.12345");
  expect(text.trimEnd().split("\n")).toHaveLength(4 + 3);
});

test("the first 10,000 rows decide how wide columns are; the rest is written as it comes, wrapped into them", async () => {
  const row = (sentence: string): SentenceReport => ({ sentence, tokens: 1, original: statistics([1, -2.5]), sparse: { ...emptySparseStatistics, mean: -1.234567e-5 }, top: [] });
  let taken = 0;
  function* many() {
    for (; taken < 10_000; taken++) yield row(`number ${taken}`);
    for (; taken < 10_100; taken++) yield row(taken === 10_050 ? "longer than all of the first ones are" : "日本");
  }
  const notices: string[] = [];
  let [text, chunks] = ["", 0];
  for await (const chunk of formatTable(many(), { onNotice: (notice) => notices.push(notice) })) {
    text += chunk;
    if (++chunks > 10_001) expect(taken - chunks).toBeLessThanOrEqual(1); // no row is waited for
  }
  expect(notices).toEqual([expect.stringContaining("the first 10,000 rows")]);
  const lines = text.trimEnd().split("\n");
  expect(new Set(lines.map(terminalColumns)).size).toBe(1);
  expect(lines[3]).toMatch(/^\| +number 0 +\|/);
  const at = lines.findIndex((line) => line.includes("longer than"));
  expect(lines.slice(at, at + 3).map((line) => line.split("|")[1].trim())).toEqual(["longer than", "all of the", "first ones"]);
});

test("up to 10,000 rows the table is in one piece", async () => {
  const rows = Array.from({ length: 10_000 }, (_, i): SentenceReport => ({ sentence: `s${i}`, tokens: 1, original: statistics([1]), sparse: emptySparseStatistics, top: [] }));
  const chunks: string[] = [];
  for await (const chunk of formatTable(rows, { onNotice: () => expect.unreachable() })) chunks.push(chunk);
  expect(chunks).toHaveLength(1);
});
