import { openRng } from "@dictlearn/kernels";
import { expect, test } from "vitest";
import { sample } from "./sample.js";

const logits = [1, 3, -Infinity, 2, 3];

function shares(options: { temperature: number; topK?: number }): number[] {
  const counts = logits.map(() => 0);
  for (const uniform of openRng({ seed: 3, stream: "sample" }).uniform(20_000)) counts[sample(logits, { ...options, uniform })]++;
  return counts.map((n) => n / 20_000);
}

test.each([1, 0.5, 4])("tokens come as often as softmax(logits / %d) says", (temperature) => {
  const weights = logits.map((x) => Math.exp(x / temperature));
  const sum = weights.reduce((a, b) => a + b);
  shares({ temperature }).forEach((share, i) => expect(Math.abs(share - weights[i] / sum)).toBeLessThan(0.015));
});

test("topK keeps the largest, of equals the first", () => {
  expect(shares({ temperature: 1, topK: 1 })).toEqual([0, 1, 0, 0, 0]);
  expect(shares({ temperature: 1, topK: 3 }).map((share) => share > 0)).toEqual([false, true, false, true, true]);
});

test("large logits and the ends of the range don't overflow", () => {
  expect(sample([1e4, -1e4], { temperature: 0.01, uniform: 1 - 2 ** -53 })).toBe(0);
  expect(sample([0, 0, 0], { temperature: 1, uniform: 0 })).toBe(0);
  expect(sample([0, 0, 0], { temperature: 1, uniform: 1 - 2 ** -53 })).toBe(2);
});
