import { defineOp, type Host } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";

type Name = "segmentMean" | "segmentMax" | "segmentLast";

/** One of the three: `pool` makes a column of rows `from` to `to` (at least one) a number. */
function segments(name: Name, pool: (x: Host, column: number, from: number, to: number) => number) {
  const op = defineOp<{ x: Float32Array; start: Uint32Array }, { y: Float32Array }>({
    name,
    outputs({ x, start }) {
      expectShape(name, "x", x, ["f32"], ["N", "D"]);
      expectShape(name, "start", start, ["u32"], ["R+1"]);
      if (start.size === 0) throw new ShapeError(`${name}: expected start u32[R+1], got ${describe(start)}`);
      return { y: { dtype: "f32", shape: [start.size - 1, x.shape[1]] } };
    },
    reference({ x, start }, { y }) {
      const [N, D] = x.shape as [number, number];
      for (let r = 0; r + 1 < start.data.length; r++) {
        const [from, to] = [start.data[r], Math.min(start.data[r + 1], N)];
        for (let d = 0; d < D; d++) y.data[r * D + d] = from < to ? pool(x, d, from, to) : 0;
      }
    },
  });
  return (x: Tensor, start: Tensor): Tensor => op({ x, start }, {}).y;
}

const at = (x: Host, row: number, column: number): number => x.data[row * x.shape[1] + column];

/**
 * Mean of each segment's rows: y[r] is the mean of x[start[r]] to x[start[r+1] - 1], summed in order, then divided.
 * @param x f32[N,D]
 * @param start u32[R+1], ascending, cut at N; an empty segment gives zeros
 * @returns f32[R,D]
 */
export const segmentMean = segments("segmentMean", (x, column, from, to) => {
  let sum = 0;
  for (let n = from; n < to; n++) sum += at(x, n, column);
  return sum / (to - from);
});

/**
 * Largest value of each column over a segment's rows; NaN where one of them is NaN.
 * @param x f32[N,D]
 * @param start u32[R+1], ascending, cut at N; an empty segment gives zeros
 * @returns f32[R,D]
 */
export const segmentMax = segments("segmentMax", (x, column, from, to) => {
  let max = -Infinity;
  for (let n = from; n < to; n++) max = Math.max(max, at(x, n, column));
  return max;
});

/**
 * The last row of each segment, x[start[r+1] - 1].
 * @param x f32[N,D]
 * @param start u32[R+1], ascending, cut at N; an empty segment gives zeros
 * @returns f32[R,D]
 */
export const segmentLast = segments("segmentLast", (x, column, _from, to) => at(x, to - 1, column));
