import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { emptySparseStatistics, sparseStatistics, statistics } from "./index.js";

/** Seeded numbers in 0..1 (mulberry32). */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

test("mean, population variance, plain maximum and its place", () => {
  expect(statistics([1, 2, 3, 6])).toEqual({ mean: 3, variance: 3.5, maxWeight: 6, maxPosition: 3 });
  expect(statistics(Float32Array.of(-9, -1, -5))).toEqual({ mean: -5, variance: 32 / 3, maxWeight: -1, maxPosition: 1 });
});

test("the first of equal maxima is the maximum", () => {
  expect(statistics([0, 7, 7, 7]).maxPosition).toBe(1);
  expect(statistics([0, 0]).maxPosition).toBe(0);
});

test("the variance survives a large mean", () => {
  expect(statistics([1e9, 1e9 + 1, 1e9 + 2]).variance).toBeCloseTo(2 / 3, 12);
});

test("nothing has no statistics, and a row without active features has", () => {
  expect(statistics([])).toEqual({ mean: null, variance: null, maxWeight: null, maxPosition: null });
  expect(sparseStatistics({ index: [], values: [] }, 0)).toEqual(emptySparseStatistics);
  expect(sparseStatistics({ index: [], values: [] }, 5)).toEqual({ mean: 0, variance: 0, maxWeight: 0, maxPosition: 0, l0: 0 });
});

test("where all active features are negative, the first absent one is the maximum", () => {
  expect(sparseStatistics({ index: [0, 1, 3], values: [-1, -2, -3] }, 5)).toMatchObject({ maxWeight: 0, maxPosition: 2, l0: 3 });
  expect(sparseStatistics({ index: [0, 1], values: [-2, -1] }, 2)).toMatchObject({ maxWeight: -1, maxPosition: 1, l0: 2 });
  expect(sparseStatistics({ index: [1, 4], values: [0, -1] }, 6)).toMatchObject({ maxWeight: 0, maxPosition: 0, l0: 1 });
  expect(sparseStatistics({ index: [0, 1], values: [-1, 0] }, 3)).toMatchObject({ maxWeight: 0, maxPosition: 1, l0: 1 });
});

test("the statistics of sparse rows are those of the dense rows that they stand for", () => {
  const random = seeded(1);
  for (let round = 0; round < 2000; round++) {
    const F = 1 + Math.floor(random() * 40);
    const density = random();
    const shift = random() < 0.3 ? -1 : random() < 0.5 ? -0.5 : 0; // some rows are negative throughout
    const dense = new Float32Array(F);
    const index: number[] = [];
    for (let f = 0; f < F; f++) {
      if (random() >= density) continue;
      index.push(f);
      dense[f] = random() < 0.2 ? 0 : Math.round((random() + shift) * 8) / 4 + 0; // zeros and ties, no -0
    }
    const sparse = sparseStatistics({ index: Uint32Array.from(index), values: Float32Array.from(index, (f) => dense[f]) }, F);
    const expected = statistics(dense);
    expect(sparse.mean).toBeCloseTo(expected.mean!, 12);
    expect(sparse.variance).toBeCloseTo(expected.variance!, 12);
    expect([sparse.maxWeight, sparse.maxPosition, sparse.l0]).toEqual([expected.maxWeight, expected.maxPosition, dense.filter((value) => value !== 0).length]);
  }
});

interface Vectors {
  pooled: number[];
  features: number[];
  active: number;
  original_stats: Record<string, number>;
  sparse_stats: Record<string, number>;
}

test("the statistics of the original script's vectors are numpy's, within its float32", () => {
  const { cases } = JSON.parse(readFileSync(new URL("../../../oracles/sparse-rep/expected.json", import.meta.url), "utf8")) as {
    cases: { sentences: { masked: Vectors; padded: Vectors }[] }[];
  };
  const vectors = cases.flatMap(({ sentences }) => sentences.flatMap(({ masked, padded }) => [masked, padded])).filter(({ pooled }) => pooled !== null);
  expect(vectors.length).toBeGreaterThan(60);
  for (const { pooled, features, active, original_stats, sparse_stats } of vectors) {
    const index = features.flatMap((value, feature) => (value === 0 ? [] : [feature]));
    const sparse = sparseStatistics({ index, values: index.map((feature) => features[feature]) }, features.length);
    expect(sparse.l0).toBe(active);
    for (const [ours, numpy] of [[statistics(pooled), original_stats], [sparse, sparse_stats]] as const) {
      expect(Math.abs(ours.mean! - numpy.mean)).toBeLessThanOrEqual(1e-5 + 1e-5 * Math.abs(numpy.mean));
      expect(Math.abs(ours.variance! - numpy.variance)).toBeLessThanOrEqual(1e-5 + 1e-5 * numpy.variance);
      expect([Math.fround(ours.maxWeight!), ours.maxPosition]).toEqual([numpy.max_weight, numpy.max_position]);
    }
  }
});
