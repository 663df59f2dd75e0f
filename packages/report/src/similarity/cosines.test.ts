import { seededUniform } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { cosines, denseRow } from "./cosines.js";

test("cosines are those of the vectors that the rows stand for", () => {
  const [N, D] = [7, 40];
  const uniform = seededUniform(1, N * D);
  const vectors = Array.from({ length: N }, (_, i) => Array.from({ length: D }, (_, d) => (uniform[i * D + d] < 0.6 ? 0 : uniform[i * D + d] - 0.8)));
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, d) => sum + value * b[d], 0);
  const sparse = vectors.map((vector) => {
    const index = vector.flatMap((value, d) => (value === 0 ? [] : [d]));
    return { index, values: index.map((d) => vector[d]) };
  });
  for (const found of [cosines(sparse), cosines(vectors.map(denseRow))])
    found.forEach((row, i) => row.forEach((cosine, j) => expect(cosine).toBeCloseTo(dot(vectors[i], vectors[j]) / Math.sqrt(dot(vectors[i], vectors[i]) * dot(vectors[j], vectors[j])), 12)));
});

test("a row of zeros has no direction", () => {
  expect(cosines([{ index: [], values: [] }, { index: [3], values: [2] }])).toEqual([[NaN, NaN], [NaN, 1]]);
  expect(cosines([])).toEqual([]);
});
