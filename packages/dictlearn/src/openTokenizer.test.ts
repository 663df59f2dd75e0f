import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { oracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { openTokenizer } from "./index.js";
import { readTokenizer } from "./openTokenizer.js";

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

describe("a tokenizer.json of a stranger is read, or an error with a code", () => {
  const sound = { normalizer: null, post_processor: null, added_tokens: [{ id: 0, content: "<|endoftext|>", special: true }], pre_tokenizer: { type: "ByteLevel" }, decoder: { type: "ByteLevel" }, model: { type: "BPE", vocab: { "<|endoftext|>": 0, a: 1 }, merges: [] } };
  const open = async (change: Record<string, unknown>) => {
    const folder = { name: "m", text: async (path: string) => (path === "tokenizer.json" ? JSON.stringify({ ...sound, ...change }) : undefined), has: async () => true, local: async (path: string) => path };
    const tokenizer = await readTokenizer(folder);
    return tokenizer.decode(tokenizer.encode("a aa"));
  };
  test("the sound one", async () => expect(await open({})).toContain("a"));
  test.each<[string, Record<string, unknown>]>([
    ["no model", { model: null }],
    ["a model without words", { model: { type: "BPE" } }],
    ["ids that are no numbers", { model: { ...sound.model, vocab: { "<|endoftext|>": 0, a: "1" } } }],
    ["an id beyond 32 bits", { model: { ...sound.model, vocab: { "<|endoftext|>": 0, a: 2 ** 40 } } }],
    ["an end of text that is no number", { added_tokens: [], model: { ...sound.model, vocab: { "<|endoftext|>": {}, a: 1 } } }],
    ["a pattern that is none", { pre_tokenizer: { type: "Split", pattern: {}, behavior: "Isolated" } }],
    ["a pattern that does not compile", { pre_tokenizer: { type: "Split", pattern: { Regex: "(" }, behavior: "Isolated" } }],
    ["a kind that there is not", { pre_tokenizer: { type: "__proto__" } }],
    ["a decoder that is none", { decoder: { type: "constructor" } }],
  ])("%s", async (_, change) => {
    await expect(open(change)).rejects.toMatchObject({ name: "DictlearnError", code: expect.stringMatching(/FORMAT|UNSUPPORTED/) });
  });
});
