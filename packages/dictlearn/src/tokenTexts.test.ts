import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { oracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { openTokenizer } from "./index.js";
import { tokenTexts } from "./tokenTexts.js";

const { encode }: { encode: { text: string; ids: number[]; offsets_utf16: [number, number][] }[] } = JSON.parse(readFileSync(oracle("tokenizer/cases.json"), "utf8"));
const tokenizer = await openTokenizer(fileURLToPath(oracle("tokenizer/")));

describe("a text in the pieces of its tokens", () => {
  test("is the text again, whatever it holds, and each piece lies where Python's tokenizers says", () => {
    let alone = 0;
    for (const { text, ids, offsets_utf16: offsets } of encode) {
      const pieces = tokenizer.split(text, ids, true);
      expect([pieces.length, pieces.join("")]).toEqual([ids.length, text]);
      if (text.normalize("NFC") !== text) continue; // offsets there are of other characters
      let from = 0;
      pieces.forEach((piece, t) => {
        const [start, end] = offsets[t];
        const shared = [t - 1, t + 1].some((other) => offsets[other] && offsets[other][0] < end && start < offsets[other][1]);
        if (!shared && end > start) {
          alone++;
          expect(from + piece.length).toBe(end);
          expect(text.slice(from, start).trim()).toBe(""); // its offsets leave out the blank before a word
        }
        from += piece.length;
      });
    }
    expect(alone).toBeGreaterThan(1000);
  });

  test("is its beginning where there are more tokens than were taken", () => {
    for (const { text, ids } of encode) {
      const pieces = tokenizer.split(text, ids.slice(0, 5), ids.length <= 5);
      expect(text.startsWith(pieces.join(""))).toBe(true);
      expect(tokenizer.split(text, ids, true).slice(0, pieces.length - 1)).toEqual(pieces.slice(0, -1));
    }
  });

  test("shows a character that tokens share in the one that completes it", () => {
    expect(tokenTexts("a😀b", [1, 2, 1, 1, 1], { whole: true })).toEqual(["a", "", "", "😀", "b"]);
    expect(tokenTexts("é!", [1, 1, 1], { whole: true })).toEqual(["", "é", "!"]);
    expect(tokenTexts("a😀", [2, 1], { whole: false })).toEqual(["a", ""]);
  });

  test("shows what normalises to one character together: accents in any order, Hangul, Indic signs", () => {
    const normalize = (text: string) => text.normalize("NFC");
    const bytes = (text: string) => Array.from(Buffer.from(normalize(text)), () => 1);
    for (const [text, pieces] of [
      ["e\u0301x", ["", "e\u0301", "x"]],
      ["a\u0327\u0301x", ["", "", "", "a\u0327\u0301", "x"]],
      ["\u1112\u1161\u11abx", ["", "", "\u1112\u1161\u11ab", "x"]],
      ["\u09c7\u09bex", ["", "", "\u09c7\u09be", "x"]],
    ] as const) {
      expect(tokenTexts(text, bytes(text), { whole: true, normalize })).toEqual(pieces);
    }
  });
});
