import { expect, test } from "vitest";
import { shown } from "./shown.js";

test.each([
  ["plain, <b>, שלום, 👩‍👩‍👧, tab\tand\nline", "plain, <b>, שלום, 👩‍👩‍👧, tab\tand\nline"],
  ["a\0b\u0007c\r\n\u001b[31m", "a␀b␇c␍\n␛[31m"],
  ["\u007f\u0085", "␡⟨U+0085⟩"],
  ["user\u202etxt\u2066x\u2069", "user⟨U+202E⟩txt⟨U+2066⟩x⟨U+2069⟩"],
])("%j is shown as %j", (text, seen) => {
  expect(shown(text)).toBe(seen);
});
