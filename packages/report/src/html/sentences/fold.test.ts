import { expect, test } from "vitest";
import { longestThatFits } from "./fold.js";

test.each([
  [[3, 5, 9], 17],
  [[3, 5, 9], 16],
  [[3, 5, 9], 9],
  [[3, 5, 9], 2],
  [[100, 1, 1, 100], 60],
  [[7], 0],
  [[], 5],
])("texts of %j tokens, %i in all: the longest cut that fits", (lengths, most) => {
  const cut = longestThatFits(lengths, most);
  const total = (cut: number) => lengths.reduce((sum, length) => sum + Math.min(length, cut), 0);
  expect(total(cut)).toBeLessThanOrEqual(most);
  if (cut !== Infinity) expect(total(cut + 1)).toBeGreaterThan(most);
  else expect(total(Infinity)).toBeLessThanOrEqual(most);
});
