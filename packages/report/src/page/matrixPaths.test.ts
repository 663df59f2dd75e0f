import { seededUniform } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { levels, matrixPaths } from "./matrixPaths.js";

/** The shade of each cell, read from the lines of the paths. */
function drawn(paths: readonly string[], N: number): (number | undefined)[][] {
  const cells: (number | undefined)[][] = Array.from({ length: N }, () => Array.from({ length: N }, () => undefined));
  paths.forEach((d, level) => {
    for (const [, x, y, length] of d.matchAll(/M(\d+) (\d+)h(\d+)/g))
      for (let i = 0; i < Number(length); i++) {
        expect(cells[Number(y)][Number(x) + i]).toBeUndefined(); // once
        cells[Number(y)][Number(x) + i] = level;
      }
  });
  return cells;
}

test("every cell has the shade of its value, in any order; what is not a number is not drawn", () => {
  const N = 9;
  const values = Array.from(seededUniform(4, N * N), (value, i) => (i % 7 === 0 ? NaN : Math.round(value * 4) / 4));
  for (const order of [[0, 1, 2, 3, 4, 5, 6, 7, 8], [8, 3, 0, 1, 7, 2, 6, 5, 4]]) {
    const paths = matrixPaths(order, (i, j) => values[i * N + j]);
    expect(paths).toHaveLength(levels);
    expect(drawn(paths, N)).toEqual(order.map((i) => order.map((j) => (Number.isNaN(values[i * N + j]) ? undefined : Math.round(values[i * N + j] * (levels - 1))))));
  }
});
