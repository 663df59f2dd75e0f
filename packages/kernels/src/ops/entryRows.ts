import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid } from "../webgpu/dispatch.js";
import { maxRows } from "./reduceRows.js";
import { scale } from "./unary.js";

// Numbers a row, from the entries of sparse features.

const ROWS = 64;
type Entries = { rowStart: Uint32Array; values: Float32Array };

function expectEntries(op: string, { rowStart, values }: { rowStart: Tensor; values: Tensor }): void {
  expectShape(op, "rowStart", rowStart, ["u32"], ["B+1"]);
  expectShape(op, "values", values, ["f32"], ["capacity"]);
}

/** One of them: `reduce` takes a row's values, `start`, `each` (v to `part`) and `combine` (a and b) are the same in WGSL. */
function rows(name: string, reduce: (row: Float32Array, p: number) => number, wgsl: { start: string; each: string; combine: string }, slopes?: typeof powerSlopes) {
  return defineOp<Entries, { y: Float32Array }, { p: number }>({
    name,
    ...(wgsl.start.includes("infinity") && { unbounded: ["y"] }), // of nothing
    outputs(inputs) {
      expectEntries(name, inputs);
      return { y: { dtype: "f32", shape: [inputs.rowStart.size - 1] } };
    },
    reference({ rowStart, values }, { y }, { p }) {
      for (let b = 0; b < y.data.length; b++) y.data[b] = reduce(values.data.subarray(rowStart.data[b], rowStart.data[b + 1]), p);
    },
    ...(slopes && { vjp: ({ inputs, cotangents: { y }, params }) => ({ values: slopes({ ...inputs, slopes: y }, params) }) }),
    wasm: ({ rowStart, values }, { y }, { p }) => ({ kernel: name, args: [address(rowStart), address(values), address(y), y.size, values.size, f32Bits(p)], tasks: Math.ceil(y.size / ROWS) }),
    wgsl: ({ rowStart, values }, { y }, { p }) => ({
      code: eachRow(
        `
  var part = ${wgsl.start};
  for (var e = rowStart[row] + lane; e < rowStart[row + 1u]; e += 64u) {
    let v = values[e];
    ${wgsl.each}
  }
  let whole = combined(lane, part);
  if (lane == 0u) { y[row] = whole; }`,
        acrossLanes("combined", wgsl.combine),
      ),
      read: { rowStart, values },
      write: { y },
      u32: { rows: y.size, infinity: 0x7f800000 }, // as a literal WGSL refuses it
      f32: { p },
      workgroups: grid(y.size),
    }),
  });
}

const slopesOp = defineOp<Entries & { slopes: Float32Array }, { y: Float32Array }, { p: number }>({
  name: "powerSlopes",
  outputs({ slopes, ...entries }) {
    expectEntries("powerSlopes", entries);
    expectShape("powerSlopes", "slopes", slopes, ["f32"], [entries.rowStart.size - 1], `rowStart is ${describe(entries.rowStart)}`);
    return { y: { dtype: "f32", shape: entries.values.shape } };
  },
  reference({ rowStart, values, slopes }, { y }, { p }) {
    for (let b = 0; b < slopes.data.length; b++) for (let e = rowStart.data[b]; e < rowStart.data[b + 1]; e++) y.data[e] = values.data[e] <= 0 ? 0 : slopes.data[b] * p * values.data[e] ** (p - 1);
  },
  wasm: ({ rowStart, values, slopes }, { y }, { p }) => ({
    kernel: "powerSlopes",
    args: [address(rowStart), address(values), address(slopes), address(y), slopes.size, values.size, f32Bits(p)],
    tasks: Math.ceil(slopes.size / ROWS),
  }),
  wgsl: ({ rowStart, values, slopes }, { y }, { p }) => ({
    code: eachRow(`
  for (var e = rowStart[row] + lane; e < rowStart[row + 1u]; e += 64u) {
    let v = values[e];
    y[e] = select(0.0, slopes[row] * ${p === 1 ? "1.0" : "p.p * pow(max(v, 1e-38), p.p - 1.0)"}, v > 0.0);
  }`),
    read: { rowStart, values, slopes },
    write: { y },
    u32: { rows: slopes.size },
    f32: { p },
    workgroups: grid(slopes.size),
  }),
});
const powerSlopes = (at: { rowStart: Tensor; values: Tensor; slopes: Tensor }, params: { p: number }): Tensor => slopesOp(at, params).y;

const positive = rows("sumPositive", (row) => row.reduce((sum, v) => sum + (v <= 0 ? 0 : v), 0), { start: "0.0", each: "part += max(v, 0.0);", combine: "a + b" }, powerSlopes);
const powers = rows("sumPowers", (row, p) => row.reduce((sum, v) => sum + (v <= 0 ? 0 : v ** p), 0), { start: "0.0", each: "if (v > 0.0) { part += pow(v, p.p); }", combine: "a + b" }, powerSlopes);
const nonzero = rows("countNonzero", (row) => row.reduce((sum, v) => sum + (v === 0 ? 0 : 1), 0), { start: "0.0", each: "part += select(1.0, 0.0, v == 0.0);", combine: "a + b" });
const least = rows("minPositive", (row) => row.reduce((min, v) => (v > 0 && v < min ? v : min), Infinity), { start: "bitcast<f32>(p.infinity)", each: "if (v > 0.0) { part = min(part, v); }", combine: "min(a, b)" });

/**
 * Σ fᵖ over the features of each row that are > 0; with p = 1 their sum, L1. The slope of what is off is 0, also where that of
 * fᵖ has no bound. `pow(sumPowers(f, { p }), 1 / p)` is the Lᵖ norm; `decodeSparse` with a decoder [F,1] weights each feature.
 * @param features sparse [B,F]
 * @param options.p > 0
 * @returns f32[B]
 */
export const sumPowers = ({ rowStart, values }: SparseFeatures, options: { p: number }): Tensor => (options.p === 1 ? positive : powers)({ rowStart, values }, options).y;

/** How many features of each row are not 0: L0. @param features sparse [B,F] @returns f32[B] */
export const countNonzero = ({ rowStart, values }: SparseFeatures): Tensor => nonzero({ rowStart, values }, { p: 0 }).y;

/** The smallest feature > 0 of each row, Infinity where there is none. @param features sparse [B,F] @returns f32[B] */
export const minPositive = ({ rowStart, values }: SparseFeatures): Tensor => least({ rowStart, values }, { p: 0 }).y;

/** The smallest feature > 0 of all rows, Infinity where there is none. @param features sparse [B,F], B >= 1 @returns f32[1] */
export function minPositiveOfBatch(features: SparseFeatures): Tensor {
  const { device } = features.values;
  return device.scope(() => device.unwatched(() => scale(maxRows(scale(minPositive(features), -1).reshape([1, features.shape[0]])), -1)));
}
