import { readdirSync, readFileSync } from "node:fs";
import { type Cursor, type Text } from "@dictlearn/corpus";
import { demo } from "@dictlearn/demo";
import { describe, expect, test } from "vitest";
import { firstTokens } from "./firstTokens.js";
import { openTokenizer } from "./index.js";
import { tokenRows, type TokenRow } from "./tokenRows.js";

/** A token a character; 0 ends a text. */
const tokenizer = { endOfText: 0, encode: (text: string) => Uint32Array.from(text, (c) => c.codePointAt(0)!), decode: () => "", split: () => [] };
const words = ["four score", "", "and", "seven years ago our fathers", "b", "", "rought forth", "on this continent a new nation"];
/** Texts from the index-th on; their cursors are indices. */
const textsFrom = (index: number): Text[] => words.slice(index).map((text, i) => ({ text, cursor: (index + i + 1) as unknown as Cursor }));

async function collect(options: Omit<Parameters<typeof tokenRows>[1], "tokenizer">): Promise<TokenRow[]> {
  const rows: TokenRow[] = [];
  for await (const row of tokenRows(textsFrom((options.cursor?.text as unknown as number) ?? 0), { tokenizer, ...options })) rows.push(row);
  return rows;
}

describe.each([1, 2, 3, 5, 7, 11, 100])("rows of at most %i tokens", (contextLength) => {
  test("document: a text a row, cut; texts without tokens are passed over", async () => {
    const rows = await collect({ contextLength, rows: "document" });
    expect(rows.map(({ tokens }) => String.fromCodePoint(...tokens))).toEqual(words.filter((text) => text !== "").map((text) => text.slice(0, contextLength)));
  });

  test("packed: every token of every text in order, an end-of-text behind each, rows full but for the last", async () => {
    const rows = await collect({ contextLength, rows: "packed" });
    expect(rows.flatMap(({ tokens }) => [...tokens])).toEqual(words.filter((text) => text !== "").flatMap((text) => [...tokenizer.encode(text), 0]));
    for (const { tokens } of rows.slice(0, -1)) expect(tokens.length).toBe(contextLength);
  });

  test.each(["document", "packed"] as const)("%s: from every cursor on come the same rows", async (kind) => {
    const rows = await collect({ contextLength, rows: kind });
    for (const [i, { cursor }] of rows.entries()) {
      const rest = await collect({ contextLength, rows: kind, cursor: JSON.parse(JSON.stringify(cursor)) });
      expect(rest).toEqual(rows.slice(i + 1));
    }
  });
});

test("the first tokens are those of the whole text, wherever it is cut", async () => {
  const [own, folder] = [await openTokenizer("demo"), new URL(demo.texts)];
  const speeches = readdirSync(folder).filter((_, i) => i % 40 === 0).map((name) => readFileSync(new URL(name, folder), "utf8"));
  const odd = [" ".repeat(5000), "a".repeat(5000), "x y ".repeat(2000), "naïve — über\n\n  two  blanks   three ".repeat(200), "日本 語 ".repeat(900), ""];
  for (const text of [...speeches, ...odd]) {
    const all = own.encode(text);
    for (const n of [1, 2, 17, 32, 128, 512]) expect(firstTokens(own, text, n)).toEqual(all.subarray(0, n));
  }
});
