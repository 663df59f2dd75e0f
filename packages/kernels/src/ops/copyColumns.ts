import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const ROWS = 64;

/** `width` columns of x from `first` stand in y from `at`; the rest of y is 0. */
interface Place {
  first: number;
  width: number;
  at: number;
  columns: number;
}

const op = defineOp<{ x: Float32Array }, { y: Float32Array }, Place>({
  name: "copyColumns",
  outputs: ({ x }, { columns }) => ({ y: { dtype: "f32", shape: [x.shape[0], columns] } }),
  reference({ x }, { y }, { first, width, at, columns }) {
    const [N, D] = x.shape as [number, number];
    for (let n = 0; n < N; n++) for (let i = 0; i < columns; i++) y.data[n * columns + i] = i >= at && i < at + width ? x.data[n * D + first + i - at] : 0;
  },
  wasm: ({ x }, { y }, { first, width, at, columns }) => ({ kernel: "copyColumns", args: [address(x), address(y), x.shape[0], x.shape[1], first, columns, at, width], tasks: Math.ceil(x.shape[0] / ROWS) }),
  wgsl: ({ x }, { y }, { first, width, at, columns }) => ({
    code: eachElement(`
  let i = index % p.columns - p.at; // wraps below 0
  y[index] = 0.0;
  if (i < p.width) { y[index] = x[index / p.columns * p.D + p.first + i]; }`),
    read: { x },
    write: { y },
    u32: { n: y.size, D: x.shape[1], first, width, at, columns },
    workgroups: grid(Math.ceil(y.size / 256)),
  }),
  saves: [],
  vjp: ({ inputs: { x }, cotangents: { y }, params: { first, width, at } }) => ({ x: copyColumns(y, { first: at, width, at: first, columns: x.shape[1] }) }),
});
const copyColumns = (x: Tensor, place: Place): Tensor => op({ x }, place).y;

/**
 * A copy of columns start to end.
 * @param x f32[N,D]
 * @returns f32[N,end-start]
 * @throws ShapeError `sliceColumns: expected 0 <= start <= end <= 4, got 3 to 5 (x is f32[2,4])`
 */
export function sliceColumns(x: Tensor, { start, end }: { start: number; end: number }): Tensor {
  expectShape("sliceColumns", "x", x, ["f32"], ["N", "D"]);
  if (!(0 <= start && start <= end && end <= x.shape[1])) throw new ShapeError(`sliceColumns: expected 0 <= start <= end <= ${x.shape[1]}, got ${start} to ${end} (x is ${describe(x)})`);
  return copyColumns(x, { first: start, width: end - start, at: 0, columns: end - start });
}
