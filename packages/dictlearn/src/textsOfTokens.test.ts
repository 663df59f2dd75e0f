import { expect, test } from "vitest";
import { textsOfTokens } from "./textsOfTokens.js";

/** A token a letter. */
const tokenizer = { encode: (text: string) => Uint32Array.from(text, (letter) => letter.charCodeAt(0)) } as never;
const texts = ["abcd", "", "e", "fg", "hijkl", "mnop"].map((text) => ({ text }));

test.each<[number, boolean, string[]]>([
  [1, false, ["abcd"]],
  [3, false, ["abcd"]],
  [4, false, ["abcd", "fg"]],
  [6, true, ["fg", "hijkl", "mnop"]], // of hijkl three letters count
  [99, false, ["abcd", "fg", "hijkl", "mnop"]],
])("texts of %i tokens, the first begun: %s", async (tokens, begun, expected) => {
  const found: string[] = [];
  for await (const { text } of textsOfTokens({ tokenizer }, texts, { tokens, contextLength: 3, begun })) found.push(text);
  expect(found).toEqual(expected);
});

test("no text is asked for that is not needed", async () => {
  let asked = 0;
  const counted = (function* () {
    for (const text of texts) yield (asked++, text);
  })();
  for await (const _ of textsOfTokens({ tokenizer }, counted, { tokens: 3, contextLength: 3 }));
  expect(asked).toBe(1);
});
