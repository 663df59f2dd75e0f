import { expect, test } from "vitest";
import { openTokenizer } from "../index.js";
import { sharedTexts, vocabularyTexts } from "./vocabularyTexts.js";

const tokenizer = await openTokenizer("demo");
const vocabulary = vocabularyTexts(tokenizer, 4096);

test("each id has its text; rows of the model past the tokenizer's have none", () => {
  const ids = Array.from(tokenizer.encode("The state of the union"));
  expect(ids.map((id) => vocabulary[id]).join("")).toBe("The state of the union");
  expect(vocabularyTexts(tokenizer, 4100).slice(4096)).toEqual(["", "", "", ""]);
});

test("a character of several tokens stands in the one that completes it; one that is cut off is told by replacements", () => {
  const ids = Array.from(tokenizer.encode("a 👩 b 漢字!"));
  const textsOf = sharedTexts(tokenizer, vocabulary);
  const shown = (tokens: readonly number[]) => tokens.map((token, i) => textsOf(tokens)[i] ?? vocabulary[token]).join("");
  expect(ids.some((id) => vocabulary[id].includes("\ufffd"))).toBe(true);
  expect(shown(ids)).toBe("a 👩 b 漢字!");
  const end = ids.findIndex((id) => vocabulary[id].includes("\ufffd")) + 1;
  expect(shown(ids.slice(0, end))).toMatch(/^a ?\ufffd+$/);
});
