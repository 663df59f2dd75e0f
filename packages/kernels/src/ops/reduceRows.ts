import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";

type Name = "sumRows" | "meanRows" | "maxRows";

/** One of the three: `reduce` makes a row a number. */
function reduction(name: Name, reduce: (row: Float32Array) => number) {
  const op = defineOp<{ x: Float32Array }, { y: Float32Array }>({
    name,
    outputs({ x }) {
      expectColumns(name, x, name === "sumRows" ? 0 : 1);
      return { y: { dtype: "f32", shape: [x.shape[0]] } };
    },
    reference({ x }, { y }) {
      const [N, D] = x.shape as [number, number];
      for (let n = 0; n < N; n++) y.data[n] = reduce(x.data.subarray(n * D, (n + 1) * D));
    },
  });
  return (x: Tensor): Tensor => op({ x }, {}).y;
}

const argmaxOp = defineOp<{ x: Float32Array }, { y: Uint32Array }>({
  name: "argmax",
  outputs({ x }) {
    expectColumns("argmax", x, 1);
    return { y: { dtype: "u32", shape: [x.shape[0]] } };
  },
  reference({ x }, { y }) {
    const [N, V] = x.shape as [number, number];
    for (let n = 0; n < N; n++) {
      let best = 0;
      for (let v = 1; v < V; v++) {
        const [a, b] = [x.data[n * V + v], x.data[n * V + best]];
        if (a > b || (Number.isNaN(a) && !Number.isNaN(b))) best = v;
      }
      y.data[n] = best;
    }
  },
});

function expectColumns(name: string, x: Tensor, least: number): void {
  expectShape(name, "x", x, ["f32"], ["N", "D"]);
  if (x.shape[1] < least) throw new ShapeError(`${name}: expected x f32[N,D] with D >= ${least}, got ${describe(x)}`);
}

/** Sum of each row. @param x f32[N,D] @returns f32[N]; the order of addition depends on D alone */
export const sumRows = reduction("sumRows", (row) => row.reduce((sum, v) => sum + v, 0));
/** Mean of each row. @param x f32[N,D], D >= 1 @returns f32[N] */
export const meanRows = reduction("meanRows", (row) => row.reduce((sum, v) => sum + v, 0) / row.length);
/** Largest value of each row; NaN where the row has one. @param x f32[N,D], D >= 1 @returns f32[N] */
export const maxRows = reduction("maxRows", (row) => row.reduce((max, v) => Math.max(max, v), -Infinity));

/**
 * Column of each row's largest value: the first of equals (-0 equals 0). NaN counts as larger than every number, as in
 * PyTorch and NumPy, so that a broken row shows.
 * @param x f32[N,V], V >= 1
 * @returns u32[N]
 */
export const argmax = (x: Tensor): Tensor => argmaxOp({ x }, {}).y;
