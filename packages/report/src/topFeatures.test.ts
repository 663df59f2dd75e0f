import { seededUniform } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { topFeatures } from "./index.js";

const row = { index: Uint32Array.of(3, 8, 9, 20, 21), values: Float32Array.of(1.5, 4, 0, 1.5, -2) };

test("the strongest come first, ties by feature, features at 0 never", () => {
  expect(topFeatures(row, 10)).toEqual([
    { feature: 8, weight: 4 },
    { feature: 3, weight: 1.5 },
    { feature: 20, weight: 1.5 },
    { feature: 21, weight: -2 },
  ]);
  expect(topFeatures(row, 2).map(({ feature }) => feature)).toEqual([8, 3]);
  expect(topFeatures(row, 0)).toEqual([]);
  expect(topFeatures({ index: [], values: [] }, 3)).toEqual([]);
});

test.each([1, 2, 7, 63, 64, 65, 1000, Infinity])("the %d strongest of a long row are those of the whole row sorted", (n) => {
  const values = seededUniform(n === Infinity ? 0 : n, 500).map((value) => Math.round(40 * value) - 10); // many are equal, some are 0
  const all = Array.from(values, (weight, i) => ({ feature: 3 * i, weight })).filter(({ weight }) => weight !== 0);
  const sorted = all.sort((a, b) => b.weight - a.weight || a.feature - b.feature);
  expect(topFeatures({ index: Array.from(values, (_, i) => 3 * i), values }, n)).toEqual(sorted.slice(0, n));
});
