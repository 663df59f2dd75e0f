import { address } from "../cpu/wasmCall.js";
import { defineOp, type Host } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const COLUMNS = 512;

type Name = "segmentMean" | "segmentMax" | "segmentLast";

/** One of the three: `pool` makes a column of rows `from` to `to` (at least one) a number, `wgsl` the same as `result`. */
function segments(name: Name, wgsl: string, pool: (x: Host, column: number, from: number, to: number) => number) {
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
    wasm: ({ x, start }, { y }) => ({
      kernel: name,
      args: [address(x), address(start), address(y), x.shape[0], x.shape[1]],
      tasks: y.shape[0] * Math.ceil(x.shape[1] / COLUMNS),
    }),
    wgsl: ({ x, start }, { y }) => ({
      code: eachElement(`
  let first = start[index / p.D];
  let end = min(start[index / p.D + 1u], p.N);
  let column = index % p.D;
  var result = 0.0;
  if (first < end) { ${wgsl} }
  y[index] = result;`),
      read: { x, start },
      write: { y },
      u32: { n: y.size, N: x.shape[0], D: x.shape[1], nan: 0x7fc00000 },
      workgroups: grid(Math.ceil(y.size / 256)),
    }),
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
export const segmentMean = segments("segmentMean", `
    for (var n = first; n < end; n++) { result += x[n * p.D + column]; }
    result /= f32(end - first);`, (x, column, from, to) => {
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
export const segmentMax = segments("segmentMax", `
    result = x[first * p.D + column];
    var nan = false;
    for (var n = first; n < end; n++) {
      let v = x[n * p.D + column];
      nan |= (bitcast<u32>(v) & 0x7fffffffu) > 0x7f800000u; // WGSL's own comparisons may assume that there is no NaN
      result = max(result, v);
    }
    if (nan) { result = bitcast<f32>(p.nan); }`, (x, column, from, to) => {
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
export const segmentLast = segments("segmentLast", "result = x[(end - 1u) * p.D + column];", (x, column, _from, to) => at(x, to - 1, column));
