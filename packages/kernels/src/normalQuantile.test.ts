import { readFileSync } from "node:fs";
import { expectClose, oracle } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { normalQuantile } from "./normalQuantile.js";

test("agrees with Python's statistics.NormalDist().inv_cdf, from 2^-58 to 1 - 2^-47", () => {
  const { p, x } = JSON.parse(readFileSync(oracle("rng/normal.json"), "utf8")) as { p: number[]; x: number[] };
  expectClose(p.map(normalQuantile), x, { absolute: 1e-16, relative: 4e-15 });
});

test("is odd around a half", () => {
  for (const p of [3 / 8, 3 / 64, 2 ** -33]) expect(normalQuantile(1 - p)).toBe(-normalQuantile(p));
  expect(normalQuantile(0.5)).toBe(0);
});
