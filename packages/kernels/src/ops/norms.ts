import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineComposite, defineOp } from "../defineOp.js";
import { KernelError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, sizeOf, type Tensor } from "../tensor.js";
import { acrossLanes, eachElement, eachRow, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { add, div, mul } from "./elementwise.js";
import { byRows, rowsOf } from "./reduceRows.js";
import { repeat } from "./repeat.js";
import { BLOCK, blockPasses, sum, sumColumns } from "./sums.js";
import { shift, sqrt, square } from "./unary.js";

const CHUNK = 8192;

export const F32_MAX = 3.4028234663852886e38;
/** Squares are added up in f32, as in PyTorch: of numbers past 1e19 the norm is infinite. */
function norm(row: Float32Array): number {
  const squares = row.reduce((sum, v) => sum + v * v, 0);
  return squares > F32_MAX ? Infinity : Math.sqrt(squares);
}
const wgslSquares = (name: string) => `
  var squares = 0.0;
  for (var d = lane; d < p.D; d += 64u) { let v = ${name}[row * p.D + d]; squares += v * v; }
  let norm = sqrt(total(lane, squares))`;

const blocksOp = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "squareBlocks",
  outputs({ x }) {
    expectShape("sumSquares", "x", x, ["f32"], [...x.shape]);
    return { y: { dtype: "f32", shape: [Math.ceil(x.size / BLOCK)] } };
  },
  reference({ x }, { y }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data.slice(i * BLOCK, (i + 1) * BLOCK).reduce((sum, v) => sum + v * v, 0);
  },
  wasm: ({ x }, { y }) => ({ kernel: "squareBlocks", args: [address(x), address(y), x.size], tasks: y.size }),
  wgsl: ({ x }, { y }) => blockPasses(x, y, "v * v"),
});

const sumSquaresOp = defineComposite<{ x: Float32Array }, { y: Float32Array }>({
  name: "sumSquares",
  forward: ({ x }) => ({ y: sum(blocksOp({ x }, {}).y) }),
  saves: ["x"],
  vjp: ({ inputs: { x }, cotangents: { y } }) => ({ x: mul(x, repeat(y, [1], 2)) }),
});

/** Sum of the squares of all elements. @param x f32 of any shape @returns f32[1] */
export const sumSquares = (x: Tensor): Tensor => sumSquaresOp({ x }, {}).y;

const normRowsOp = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "normRows",
  outputs({ x }) {
    expectShape("normRows", "x", x, ["f32"], ["N", "D"]);
    return { y: { dtype: "f32", shape: [x.shape[0]] } };
  },
  reference({ x }, { y }) {
    const [N, D] = x.shape as [number, number];
    for (let n = 0; n < N; n++) y.data[n] = norm(x.data.subarray(n * D, (n + 1) * D));
  },
  wasm: ({ x }, { y }) => byRows("normRows", x, y),
  wgsl: ({ x }, { y }) =>
    rowTiles(x).map(({ binding, first, end }) => ({
      code: eachRow(`${wgslSquares("x")};\n  if (lane == 0u) { y[p.first + row] = norm; }`, acrossLanes("total", "a + b")),
      read: { x: binding },
      write: { y },
      u32: { rows: end - first, first, D: x.shape[1] },
      workgroups: grid(end - first),
    })),
  saves: ["x", "y"],
  vjp: ({ inputs: { x }, outputs, cotangents: { y } }) => ({ x: mul(x, perNorm(y, outputs.y).reshape([x.shape[0], 1])) }),
});
/** slope / norm. Where the norm is 0 all it will meet is zeros, so it need only be finite. */
const perNorm = (slope: Tensor, norm: Tensor): Tensor => div(slope, shift(norm, 1e-30));

/** Euclidean norm of each row; the slope at 0 is 0. @param x f32[N,D] @returns f32[N] */
export const normRows = (x: Tensor): Tensor => normRowsOp({ x }, {}).y;

const normColumnsOp = defineComposite<{ x: Float32Array }, { y: Float32Array }>({
  name: "normColumns",
  forward({ x }) {
    expectShape("normColumns", "x", x, ["f32"], ["N", "D"]);
    return { y: sqrt(sumColumns(square(x))) };
  },
  vjp: ({ inputs: { x }, outputs, cotangents: { y } }) => ({ x: mul(x, perNorm(y, outputs.y)) }),
});

/** Euclidean norm of each column; the slope at 0 is 0. @param x f32[N,D] @returns f32[D] */
export const normColumns = (x: Tensor): Tensor => normColumnsOp({ x }, {}).y;

const normaliseOp = defineOp<{ x: Float32Array }, object, { epsilon: number }>({
  name: "normaliseRowsInto",
  writes: ["x"],
  outputs({ x }) {
    expectShape("normaliseRowsInto", "x", x, ["f32"], ["N", "D"]);
    return {};
  },
  reference({ x }, _, { epsilon }) {
    const [N, D] = x.shape as [number, number];
    for (let n = 0; n < N; n++) {
      const row = x.data.subarray(n * D, (n + 1) * D);
      const by = norm(row) + epsilon;
      for (let d = 0; d < D && by !== 0; d++) row[d] /= by;
    }
  },
  wasm: ({ x }, _, { epsilon }) => ({ kernel: "normaliseRowsInto", args: [address(x), x.shape[0], x.shape[1], rowsOf(x), f32Bits(epsilon)], tasks: Math.ceil(x.shape[0] / rowsOf(x)) }),
  wgsl: ({ x }, _, { epsilon }) =>
    rowTiles(x).map(({ binding, first, end }) => ({
      code: eachRow(`${wgslSquares("x")} + p.epsilon;\n  if (norm != 0.0) { for (var d = lane; d < p.D; d += 64u) { x[row * p.D + d] /= norm; } }`, acrossLanes("total", "a + b")),
      write: { x: binding },
      u32: { rows: end - first, D: x.shape[1] },
      f32: { epsilon },
      workgroups: grid(end - first),
    })),
});

/**
 * Divides each row by its norm + epsilon; a row of zeros stays.
 * @param x f32[N,D], changed in place
 * @param epsilon 0 for a norm of exactly 1; dictionary_learning's trainers add f32's own, 2⁻²³
 */
export const normaliseRowsInto = (x: Tensor, options: { epsilon: number }): void => void normaliseOp({ x }, options);

const removeOp = defineOp<{ gradient: Float32Array; direction: Float32Array }, object, { epsilon: number }>({
  name: "removeParallelInto",
  writes: ["gradient"],
  outputs({ gradient, direction }) {
    expectShape("removeParallelInto", "gradient", gradient, ["f32"], ["N", "D"]);
    expectShape("removeParallelInto", "direction", direction, ["f32"], gradient.shape, `gradient is ${describe(gradient)}`);
    return {};
  },
  reference({ gradient, direction }, _, { epsilon }) {
    const [N, D] = gradient.shape as [number, number];
    for (let n = 0; n < N; n++) {
      const by = norm(direction.data.subarray(n * D, (n + 1) * D)) + epsilon;
      if (by === 0) continue;
      let along = 0;
      for (let i = n * D; i < (n + 1) * D; i++) along += gradient.data[i] * (direction.data[i] / by);
      for (let i = n * D; i < (n + 1) * D; i++) gradient.data[i] -= along * (direction.data[i] / by);
    }
  },
  wasm: ({ gradient, direction }, _, { epsilon }) => ({
    kernel: "removeParallelInto",
    args: [address(gradient), address(direction), gradient.shape[0], gradient.shape[1], rowsOf(gradient), f32Bits(epsilon)],
    tasks: Math.ceil(gradient.shape[0] / rowsOf(gradient)),
  }),
  wgsl({ gradient, direction }, _, { epsilon }) {
    const parts = rowTiles(direction);
    return rowTiles(gradient).map(({ binding, first, end }, i) => ({
      code: eachRow(
        `${wgslSquares("direction")} + p.epsilon;
  var part = 0.0;
  for (var d = lane; d < p.D; d += 64u) { part += gradient[row * p.D + d] * direction[row * p.D + d]; }
  let along = total(lane, part) / norm / norm;
  if (norm != 0.0) { for (var d = lane; d < p.D; d += 64u) { gradient[row * p.D + d] -= along * direction[row * p.D + d]; } }`,
        acrossLanes("total", "a + b"),
      ),
      read: { direction: parts[i]!.binding },
      write: { gradient: binding },
      u32: { rows: end - first, D: gradient.shape[1] },
      f32: { epsilon },
      workgroups: grid(end - first),
    }));
  },
});

/**
 * Takes out of each row of a gradient what lies along the row of `direction`, so that a step cannot lengthen it:
 * g -= (g·d̂) d̂ with d̂ = d / (|d| + epsilon). A direction of zeros takes out nothing.
 * @param gradient f32[N,D], changed in place: a decoder's, a feature a row
 * @param direction f32[N,D]: the decoder
 * @param epsilon 0, or 1e-6 as dictionary_learning's TopK and JumpReLU trainers have it
 */
export const removeParallelInto = (gradient: Tensor, direction: Tensor, options: { epsilon: number }): void => void removeOp({ gradient, direction }, options);

const clipOp = defineOp<{ x: Float32Array; squares: Float32Array }, object, { max: number }>({
  name: "clipInto",
  writes: ["x"],
  outputs({ x, squares }) {
    expectShape("clipNormInto", "gradient", x, ["f32"], [...x.shape]);
    expectShape("clipNormInto", "squares", squares, ["f32"], [1]);
    return {};
  },
  reference({ x, squares }, _, { max }) {
    const factor = Math.min(1, max / (Math.sqrt(squares.data[0]) + 1e-6));
    for (let i = 0; i < x.data.length; i++) x.data[i] *= factor;
  },
  wasm: ({ x, squares }, _, { max }) => ({ kernel: "clipInto", args: [address(x), address(squares), x.size, f32Bits(max)], tasks: Math.ceil(x.size / CHUNK) }),
  wgsl: ({ x, squares }, _, { max }) =>
    rowTiles(x).map(({ binding, first, end }) => {
      const n = sizeOf(x.shape.slice(1)) * (end - first);
      return {
        code: eachElement("let factor = p.max / (sqrt(squares[0]) + 1e-6);\n  x[index] = select(x[index] * factor, x[index], factor >= 1.0);"),
        read: { squares },
        write: { x: binding },
        u32: { n },
        f32: { max },
        workgroups: grid(Math.ceil(n / 256)),
      };
    }),
});

/**
 * Scales gradients together so that their norm as one long vector is at most `max`: by min(1, max / (norm + 1e-6)).
 * Nothing is read back.
 * @param gradients f32 of any shapes, at least one, changed in place
 * @returns f32[1], the norm before
 * @see torch.nn.utils.clip_grad_norm_, whose 1e-6 this is
 */
export function clipNormInto(gradients: readonly Tensor[], options: { max: number }): Tensor {
  if (gradients.length === 0) throw new KernelError("USAGE", "clipNormInto: expected gradients, got none");
  return gradients[0]!.device.scope(() => {
    const squares = gradients.map(sumSquares).reduce(add);
    for (const x of gradients) clipOp({ x, squares }, options);
    return sqrt(squares);
  });
}
