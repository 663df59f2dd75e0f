import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { oracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { openTokenizer } from "./index.js";

interface Cases {
  encode: { text: string; ids: number[]; decoded: string }[];
  decode: { ids: number[]; decoded: string }[];
}
const { encode, decode }: Cases = JSON.parse(readFileSync(oracle("tokenizer/cases.json"), "utf8"));

describe("a tokenizer gives what Python's tokenizers gives", async () => {
  const tokenizer = await openTokenizer(fileURLToPath(oracle("tokenizer")));

  test("ids of every recorded text", () => {
    expect(encode.length).toBe(139);
    expect(encode.map(({ text }) => [...tokenizer.encode(text)])).toEqual(encode.map(({ ids }) => ids));
  });
  test("text of every recorded sequence of ids", () => {
    expect(decode.length).toBe(20);
    expect([...encode, ...decode].map(({ ids }) => tokenizer.decode(ids))).toEqual([...encode, ...decode].map(({ decoded }) => decoded));
  });
  test("nothing is nothing, both ways", () => {
    expect(tokenizer.encode("")).toEqual(new Uint32Array(0));
    expect(tokenizer.decode([])).toBe("");
  });
  test("the token that ends a text", () => expect(tokenizer.endOfText).toBe(0));
});

test("a folder without a tokenizer is an error that names the file", async () => {
  await expect(openTokenizer(fileURLToPath(oracle("formats")))).rejects.toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining("tokenizer.json") });
});
