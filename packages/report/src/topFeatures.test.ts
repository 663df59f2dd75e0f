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
