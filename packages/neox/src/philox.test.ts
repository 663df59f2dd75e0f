import { expect, test } from "vitest";
import { philox, uniformAt } from "./philox.js";

// Random123's known answers (kat_vectors, philox4x32 10)
test.each([
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
  [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]],
] as const)("philox %j with key %j", (counter, key, expected) => {
  expect(philox(counter, key)).toEqual(expected);
});

test("uniform numbers lie in [0, 1), their mean is a half, and each seed has its own", () => {
  const numbers = Array.from({ length: 10_000 }, (_, i) => uniformAt(7, i));
  expect(numbers.every((x) => x >= 0 && x < 1)).toBe(true);
  expect(numbers.reduce((sum, x) => sum + x) / numbers.length).toBeCloseTo(0.5, 1);
  expect(new Set([...numbers, ...numbers.map((_, i) => uniformAt(7 + 2 ** 32, i))]).size).toBe(20_000);
});
