import { expect, test } from "vitest";
import { featureDensity } from "./index.js";

test("each feature is in the bin of its density's logarithm, or silent", () => {
  const tokens = 1000;
  const counts = Array.from({ length: 3000 }, (_, f) => (f * 7919) % (tokens + 1));
  const { silent, log10, features } = featureDensity(counts, tokens);
  expect(silent).toBe(counts.filter((count) => count === 0).length);
  expect(log10.at(-1)).toBe(-0.25);
  log10.forEach((low, i) => {
    const high = i === log10.length - 1 ? Infinity : low + 0.25;
    expect(features[i]).toBe(counts.filter((count) => count > 0 && Math.log10(count / tokens) >= low && Math.log10(count / tokens) < high).length);
  });
  expect(features.reduce((sum, n) => sum + n, silent)).toBe(counts.length);
});

test("no features, all silent, all always on", () => {
  expect(featureDensity([], 10)).toEqual({ tokens: 10, silent: 0, log10: [], features: [] });
  expect(featureDensity([0, 0], 10)).toEqual({ tokens: 10, silent: 2, log10: [], features: [] });
  expect(featureDensity([10, 10, 1], 10)).toEqual({ tokens: 10, silent: 0, log10: [-1, -0.75, -0.5, -0.25], features: [1, 0, 0, 2] });
});
