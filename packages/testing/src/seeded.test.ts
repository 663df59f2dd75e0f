import { expect, test } from "vitest";
import { seededNormal, seededUniform } from "./seeded.js";

test("a seed gives the same numbers, another seed others", () => {
  expect(seededNormal(7, 100)).toEqual(seededNormal(7, 100));
  expect(seededNormal(7, 100)).not.toEqual(seededNormal(8, 100));
});

test("normal numbers have mean 0 and variance 1, uniform ones lie in [0, 1) with mean 1/2", () => {
  const normal = seededNormal(1, 100_000);
  expect(normal.reduce((sum, x) => sum + x) / normal.length).toBeCloseTo(0, 1);
  expect(normal.reduce((sum, x) => sum + x * x, 0) / normal.length).toBeCloseTo(1, 1);
  const uniform = seededUniform(1, 100_000);
  expect(uniform.every((x) => x >= 0 && x < 1)).toBe(true);
  expect(uniform.reduce((sum, x) => sum + x) / uniform.length).toBeCloseTo(0.5, 1);
});
