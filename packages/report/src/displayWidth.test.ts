import { expect, test } from "vitest";
import { terminalColumns } from "./displayWidth.js";
import { codePoints } from "./index.js";

/** Columns by Python's wcwidth 0.9.4. */
test.each([
  ["", 0], ["hello", 5], ["日本語", 6], ["ｆｕｌｌ", 8], ["ﾊﾝｶｸ", 4], ["한국어", 6], ["\u1112\u1161\u11ab", 2], ["é", 1], ["e\u0301", 1], ["naïve — “x”…", 12],
  ["😀", 2], ["👩‍👩‍👧", 2], ["👍🏽", 2], ["🇩🇪🇫🇷", 4], ["❤️", 2], ["❤", 1], ["1️⃣", 2], ["🧑🏽‍🚀", 2], ["™", 1],
  ["שלום", 4], ["مرحبا", 5], ["हिन्दी", 4], ["नमस्ते", 4], ["ภาษาไทย", 7], ["தமிழ்", 4], ["ភាសា", 4], ["বাংলা", 4],
  ["\u200b", 0], ["½①─→", 4], ["\u3000", 2], ["tab\there", -1], ["\u001b[31m", -1],
])("%j takes %i columns", (text, columns) => {
  expect(terminalColumns(text)).toBe(columns);
});

test("code points are Python's len", () => {
  expect(["", "é", "e\u0301", "😀", "👩‍👩‍👧"].map(codePoints)).toEqual([0, 1, 2, 1, 5]);
});
