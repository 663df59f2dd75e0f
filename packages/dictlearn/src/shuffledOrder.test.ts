import { expect, test } from "vitest";
import { orderOfShards, shuffledOrder } from "./shuffledOrder.js";

test("every order is a permutation, the same for a seed and a block, another for others", () => {
  const order = shuffledOrder(7);
  for (const n of [0, 1, 2, 17, 1000]) expect([...order(n, 3)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
  expect(shuffledOrder(7)(1000, 3)).toEqual(order(1000, 3));
  const others = [order(1000, 4), order(1000, orderOfShards), shuffledOrder(8)(1000, 3), shuffledOrder(7 + 2 ** 40)(1000, 3)];
  expect(new Set([order(1000, 3), ...others].map(String)).size).toBe(5);
});

test("every permutation is as likely as another", () => {
  const order = shuffledOrder(1);
  const counts = new Map<string, number>();
  for (let block = 0; block < 24_000; block++) {
    const key = String(order(4, block));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  expect(counts.size).toBe(24);
  const chiSquared = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
  expect(chiSquared).toBeLessThan(49.7); // 23 degrees of freedom, p = 0.001
});
