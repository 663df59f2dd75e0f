import { parse } from "csv-parse/sync";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { describe, expect, test } from "vitest";
import { emptySparseStatistics, statistics, tokenRows, tokensAsCsv, tokensAsJsonl, type SentenceDetail, type TokenFormat, type TokenRow } from "./index.js";
import { tokensAsParquet } from "./parquet.js";

/** Sentences of which each token has other features, some none; texts of every kind. */
const sentence = (s: number, tokens: number): SentenceDetail => ({
  sentence: "", tokens, original: statistics([]), sparse: emptySparseStatistics, top: [], activation: new Float32Array(0), features: { index: [], values: [] },
  perToken: Array.from({ length: tokens }, (_, t) => {
    const index = Uint32Array.from({ length: (s + t) % 4 }, (_, i) => 1000 * i + s + t);
    return { id: 7 * t, text: ["", " the", "😀", 'a "b", c\r\n', "=1+1", "<b>", "\u0000"][(s + t) % 7], features: { index, values: Float32Array.from(index, (feature) => Math.sin(feature) + 1e-9) } };
  }),
});
const all = Array.from({ length: 40 }, (_, s) => tokenRows(sentence(s, s % 5), s));
const several = all.map((rows, s) => rows.map((row) => ({ site: `layers.${s % 2}.mlp_out`, dictionary: "a, b/ae.pt", ...row })));

function fileOf(format: TokenFormat, sentences: readonly TokenRow[][]): Buffer {
  return Buffer.concat([...sentences.map((rows) => format.add(rows)), format.end()].map((chunk) => Buffer.from(chunk)));
}

describe.each([["one reading", all, false], ["several readings", several, true]])("tokens of %s", (_, sentences, of) => {
  const options = { several: of };
  const rows = sentences.flat();

  test("are one JSON object a line", () => {
    expect(fileOf(tokensAsJsonl(), sentences).toString().trimEnd().split("\n").map((line): unknown => JSON.parse(line))).toEqual(rows);
  });

  test("are the same in CSV, features and values in one cell", () => {
    const read = parse(fileOf(tokensAsCsv(options), sentences), { columns: true }) as Record<string, string>[];
    expect(read).toEqual(rows.map(({ features, values, ...row }) => ({ ...Object.fromEntries(Object.entries(row).map(([name, value]) => [name, String(value)])), features: features.map((feature, i) => `${feature}:${values[i]}`).join(" ") })));
  });

  test("are the same in Parquet, to the bit, as hyparquet reads it", async () => {
    const file = new Uint8Array(fileOf(tokensAsParquet(options), sentences)).buffer;
    const read = await parquetReadObjects({ file });
    expect(read).toEqual(rows);
  });

  test("that are none make a file all the same", async () => {
    expect(await parquetReadObjects({ file: new Uint8Array(fileOf(tokensAsParquet(options), [])).buffer })).toEqual([]);
    expect(fileOf(tokensAsCsv(options), []).toString()).toBe(`${of ? "site,dictionary," : ""}sentence,position,token_id,token,features\n`);
  });
});

test("Parquet leaves in row groups while rows come: no more is held than one", async () => {
  const format = tokensAsParquet({ several: false });
  const features = Array.from({ length: 1000 }, (_, i) => i);
  const rows = Array.from({ length: 100 }, (_, position): TokenRow => ({ sentence: 0, position, token_id: 1, token: "a", features, values: features }));
  const chunks = Array.from({ length: 10 }, () => format.add(rows)); // a million features
  expect(chunks.filter(({ length }) => length > 4).length).toBe(3);
  const file = Buffer.concat([...chunks, format.end()].map((chunk) => Buffer.from(chunk)));
  const metadata = parquetMetadata(new Uint8Array(file).buffer);
  expect(metadata.row_groups.map(({ num_rows }) => Number(num_rows))).toEqual([263, 263, 263, 211]);
  const read = await parquetReadObjects({ file: new Uint8Array(file).buffer });
  expect([read.length, read[999]]).toEqual([1000, rows[99]]);
});
