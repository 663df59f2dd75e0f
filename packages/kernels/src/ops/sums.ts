import { address } from "../cpu/wasmCall.js";
import { defineComposite, defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, sizeOf, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { sumRows } from "./reduceRows.js";
import { repeat, spread } from "./repeat.js";

const COLUMNS = 32;
/** What `sum` and `sumSquares` add up at a time. */
export const BLOCK = 4096;

/** A workgroup adds up 32 columns, 8 threads a column, which take the rows in turns. */
const wgslColumns = (more: boolean): string => `
var<workgroup> parts: array<f32, 256>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let d = (group.y * groups.x + group.x) * 32u + lane % 32u;
  var sum = 0.0;
  if (d < p.D) { for (var n = lane / 32u; n < p.N; n += 8u) { sum += x[n * p.D + d]; } }
  parts[lane] = sum;
  for (var half = 128u; half >= 32u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { parts[lane] += parts[lane + half]; }
  }
  if (lane < 32u && d < p.D) { y[d] = ${more ? "y[d] + " : ""}parts[lane]; }
}`;

const columnsOp = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "sumColumns",
  outputs({ x }) {
    expectShape("sumColumns", "x", x, ["f32"], ["N", "D"]);
    return { y: { dtype: "f32", shape: [x.shape[1]] } };
  },
  reference({ x }, { y }) {
    const [N, D] = x.shape as [number, number];
    for (let d = 0; d < D; d++) {
      let sum = 0;
      for (let n = 0; n < N; n++) sum += x.data[n * D + d];
      y.data[d] = sum;
    }
  },
  wasm: ({ x }, { y }) => ({ kernel: "sumColumns", args: [address(x), address(y), x.shape[0], x.shape[1]], tasks: Math.ceil(x.shape[1] / COLUMNS) }),
  wgsl: ({ x }, { y }) =>
    rowTiles(x).map(
      ({ binding, first, end }, i): Dispatch => ({
        code: wgslColumns(i > 0),
        read: { x: binding },
        write: { y },
        u32: { N: end - first, D: x.shape[1] },
        workgroups: grid(Math.ceil(x.shape[1] / COLUMNS)),
      }),
    ),
  saves: [],
  vjp: ({ inputs: { x }, cotangents: { y } }) => ({ x: repeat(y, x.shape) }),
});

/** Sum of each column, rows in a fixed order. @param x f32[N,D] @returns f32[D] */
export const sumColumns = (x: Tensor): Tensor => columnsOp({ x }, {}).y;

const blocksOp = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "sumBlocks",
  outputs: ({ x }) => ({ y: { dtype: "f32", shape: [Math.ceil(x.size / BLOCK)] } }),
  reference({ x }, { y }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data.slice(i * BLOCK, (i + 1) * BLOCK).reduce((sum, v) => sum + v, 0);
  },
  wasm: ({ x }, { y }) => ({ kernel: "sumBlocks", args: [address(x), address(y), x.size], tasks: y.size }),
  wgsl: ({ x }, { y }) => blockPasses(x, y, "v"),
});

/**
 * Adds up `term` of every element v of x, block by block: y[b] of elements b * BLOCK and on. A workgroup is a block, or the
 * piece of one that lies in a part of x that fits a binding, which goes on where the part before stopped.
 */
export const blockPasses = (x: Tensor, y: Tensor, term: "v" | "v * v"): Dispatch[] =>
  rowTiles(x).map(({ binding, first, end }) => {
    const width = sizeOf(x.shape.slice(1));
    const [from, to] = [first * width, end * width];
    const block = Math.floor(from / BLOCK);
    return {
      code: eachRow(
        `
  let b = p.block + row;
  var sum = 0.0;
  for (var i = max(b * ${BLOCK}u, p.first) + lane; i < min((b + 1u) * ${BLOCK}u, p.end); i += 64u) { let v = x[i - p.first]; sum += ${term}; }
  let whole = total(lane, sum);
  if (lane == 0u) { y[b] = select(0.0, y[b], p.first > b * ${BLOCK}u) + whole; }`,
        acrossLanes("total", "a + b"),
      ),
      read: { x: binding },
      write: { y },
      u32: { rows: Math.ceil(to / BLOCK) - block, block, first: from, end: to },
      workgroups: grid(Math.ceil(to / BLOCK) - block),
    };
  });

/** factor * the sum of all of x, as f32[1]: block by block, then the blocks' sums alike. */
function total(x: Tensor, factor: number): Tensor {
  if (x.size === 0) return x.device.zeros([1]);
  let y = blocksOp({ x }, {}).y;
  while (y.size > 1) y = blocksOp({ x: y }, {}).y;
  return factor === 1 ? y : repeat(y, [1], factor);
}

/** sum and mean: `factor` of the sum, for a tensor of n elements. */
function whole(name: "sum" | "mean", factor: (n: number) => number) {
  const op = defineComposite<{ x: Float32Array }, { y: Float32Array }>({
    name,
    forward({ x }) {
      expectShape(name, "x", x, ["f32"], [...x.shape]);
      if (name === "mean" && x.size === 0) throw new ShapeError(`mean: expected x with elements, got ${describe(x)}`);
      return { y: total(x, factor(x.size)) };
    },
    saves: [],
    vjp: ({ inputs: { x }, cotangents: { y } }) => ({ x: repeat(y, x.shape, factor(x.size)) }),
  });
  return (x: Tensor): Tensor => op({ x }, {}).y;
}

/** Sum of all elements, in a fixed order. @param x f32 of any shape @returns f32[1] */
export const sum = whole("sum", () => 1);
/** Mean of all elements. @param x f32 of any shape, not empty @returns f32[1] */
export const mean = whole("mean", (n) => 1 / n);

/**
 * factor * x, added up over what a broadcast of `shape` to the shape of x repeats: what a broadcast hands back.
 * @param x f32 @param shape as `spread` allows @returns f32 of that shape
 */
export function sumTo(x: Tensor, shape: readonly number[], factor = 1): Tensor {
  const { period, inner } = spread(shape, x.shape)!;
  const scaled = (y: Tensor) => (factor === 1 ? y : repeat(y, shape, factor));
  if (period === x.size && inner === 1) return scaled(x.reshape(shape));
  if (period === 1) return total(x, factor);
  return scaled(inner === 1 ? sumColumns(x.reshape([x.size / period, period])) : sumRows(x.reshape([period, inner])).reshape(shape));
}

const expandOp = defineComposite<{ x: Float32Array }, { y: Float32Array }, { shape: readonly number[] }>({
  name: "expand",
  forward: ({ x }, { shape }) => ({ y: repeat(x, shape) }),
  saves: [],
  vjp: ({ inputs: { x }, cotangents: { y } }) => ({ x: sumTo(y, x.shape) }),
});

/**
 * One number, a row or a column repeated to a whole shape. (add, sub, mul and div do so by themselves.)
 * @param x f32[1], f32[D] or f32[N,1] for the shape [N,D], or of the shape itself
 * @returns f32 of the shape
 * @throws ShapeError `expand: expected x f32[4,5], f32[5], f32[4,1] or f32[1], got f32[4]`
 */
export const expand = (x: Tensor, options: { shape: readonly number[] }): Tensor => expandOp({ x }, options).y;
