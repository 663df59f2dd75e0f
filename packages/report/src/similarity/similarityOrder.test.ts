import { seededUniform } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { similarityOrder } from "./similarityOrder.js";

/** 0 … n-1, in a seeded order. */
const shuffled = (seed: number, n: number) => {
  const keys = seededUniform(seed, n);
  return Array.from(keys, (_, i) => i).sort((i, j) => keys[i] - keys[j]);
};
const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);

describe.each([1, 2, 3])("seed %i", (seed) => {
  test("groups stand together, however they were mixed", () => {
    const group = shuffled(seed, 24).map((i) => i % 4);
    const noise = seededUniform(seed + 10, 24 * 24);
    const order = similarityOrder(group.map((a, i) => group.map((b, j) => (a === b ? 0.8 : 0.1) + 0.05 * noise[Math.min(i, j) * 24 + Math.max(i, j)])));
    expect(ascending(order)).toEqual(ascending(group.map((_, i) => i)));
    const changes = order.filter((i, place) => place > 0 && group[i] !== group[order[place - 1]]);
    expect(changes).toHaveLength(3);
  });

  test("points on a line come in its order", () => {
    const places = shuffled(seed, 16);
    const order = similarityOrder(places.map((a) => places.map((b) => -Math.abs(a - b) / 16)));
    const along = order.map((i) => places[i]);
    expect([along, [...along].reverse()]).toContainEqual(ascending(places));
  });
});

test("what has no similarity comes at an end; nothing and one are in order", () => {
  const order = similarityOrder([[1, NaN, 0.9, 0.8], [NaN, NaN, NaN, NaN], [0.9, NaN, 1, 0.7], [0.8, NaN, 0.7, 1]]);
  expect([order[0], order.at(-1)]).toContain(1);
  expect(similarityOrder([])).toEqual([]);
  expect(similarityOrder([[1]])).toEqual([0]);
});
