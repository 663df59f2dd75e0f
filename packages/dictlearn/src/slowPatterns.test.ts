import { expect, test } from "vitest";
import { readTokenizer } from "./openTokenizer.js";
import { isSlow } from "./slowPatterns.js";

/** Of GPT-2, GPT-4, GPT-4o, Llama 3, Qwen 2, and what others put around them. */
const published = [
  "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  "[\\r\\n]|\\s?[A-Za-z\u00b5\u00c0-\u00d6]+|\\s?[!-/:-~]+|\\s+$|[\u4e00-\u9fa5]+|\\p{N}+",
  " ?[^(\\s|[.,!?\u2026\u3002])]+",
  "\\d{3}",
];

test.each(published)("a published pattern is let through: %s", (pattern) => expect(isSlow(pattern)).toBe(false));

/** Each takes exponential or high polynomial time on some text. */
const slow = ["(a+)+$", "(a|a)*$", "(\\w+\\s?)*$", "([a-z]+)*\\d", "(.*)*x", "(.*?,){20}x", "(?:a?){30}a{30}", "a?a?a?a?a?a?a?aaaaaaa", "(a|b|ab)+c", "(a|a)(a|a)(a|a)(a|a)(a|a)c", ".*.*.*x", "a{1,99}a{1,99}a{1,99}b", "(?=(a+))*b", "[[](a+)+]", "[\\]](a+)+", "((a+))+", "(?<n>a+)+", "(x|(y|(a+)))+", "x".repeat(5000)];

test.each(slow)("a pattern that can be slow is not: %s", (pattern) => expect(isSlow(pattern)).toBe(true));

test("a tokenizer with such a pattern, anywhere in it, is refused before a text comes near it", async () => {
  const json = { pre_tokenizer: { type: "Sequence", pretokenizers: [{ type: "Split", pattern: { Regex: "(a+)+$" }, behavior: "Isolated" }] }, model: { type: "BPE", vocab: {}, merges: [] } };
  const folder = { name: "m", text: async (path: string) => (path === "tokenizer.json" ? JSON.stringify(json) : undefined), has: async () => true, local: async (path: string) => path };
  await expect(readTokenizer(folder)).rejects.toMatchObject({ name: "DictlearnError", code: "UNSUPPORTED", message: expect.stringContaining('m/tokenizer.json: expected patterns without nested repeats') });
});
