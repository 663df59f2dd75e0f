import { CpuDevice } from "../cpu/cpuDevice.js";
import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import type { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, eachRow, grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

// Where a large share of the features is on, as with ReLU at a run's start, products of whole matrices take less time than
// sums over entries. These carry entries over into matrices, tile by tile, and back.
// What is off is a 0 there: adding it changes nothing, so that sums of finite numbers have the same bytes on cpu.

/** From this share of all places on, the dense form is taken. */
const SHARE = 1 / 3;

export type Support = Pick<SparseFeatures, "shape" | "rowStart" | "index">;
interface Range {
  start: number;
  end: number;
}

/** Whether entries are that many. On webgpu their number is not known without waiting: there the dense form is never taken. */
export const isDense = ({ shape: [B, F], index }: Support): boolean => index.device instanceof CpuDevice && index.size > SHARE * B * F;

function expectEntries(op: string, { rowStart, index, values }: { rowStart: Tensor; index: Tensor; values: Tensor }): void {
  expectShape(op, "rowStart", rowStart, ["u32"], ["B+1"]);
  expectShape(op, "index", index, ["u32"], ["capacity"]);
  expectShape(op, "values", values, ["f32"], index.shape, `index is ${describe(index)}`);
}

interface Entries {
  rowStart: Uint32Array;
  index: Uint32Array;
  values: Float32Array;
}
const ROWS = 8;

const rowsOp = defineOp<Entries, { y: Float32Array }, Range & { F: number }>({
  name: "denseRows",
  outputs(entries, { start, end, F }) {
    expectEntries("denseRows", entries);
    return { y: { dtype: "f32", shape: [end - start, F] } };
  },
  reference({ rowStart, index, values }, { y }, { start, end, F }) {
    y.data.fill(0);
    for (let b = start; b < end; b++) for (let e = rowStart.data[b]; e < rowStart.data[b + 1]; e++) y.data[(b - start) * F + index.data[e]] = values.data[e];
  },
  wasm: ({ rowStart, index, values }, { y }, { start, end, F }) => ({ kernel: "denseRows", args: [address(rowStart), address(index), address(values), address(y), start, end, F, index.size], tasks: Math.ceil((end - start) / ROWS) }),
  wgsl: ({ rowStart, index, values }, { y }, { start, F }) =>
    rowTiles(y).map(({ binding, first, end }) => ({
      code: eachRow(`
  for (var f = lane; f < p.F; f += 64u) { y[row * p.F + f] = 0.0; }
  storageBarrier();
  for (var e = rowStart[p.row + row] + lane; e < rowStart[p.row + row + 1u]; e += 64u) { y[row * p.F + columns[e]] = values[e]; }`),
      read: { rowStart, columns: index, values },
      write: { y: binding },
      u32: { rows: end - first, row: start + first, F },
      workgroups: grid(end - first),
    })),
});

const columnsOp = defineOp<Entries, { y: Float32Array }, Range>({
  name: "denseColumns",
  outputs(entries, { start, end }) {
    expectEntries("denseColumns", entries);
    return { y: { dtype: "f32", shape: [end - start, entries.rowStart.size - 1] } };
  },
  reference({ rowStart, index, values }, { y }, { start, end }) {
    const B = y.shape[1];
    y.data.fill(0);
    for (let b = 0; b < B; b++)
      for (let e = rowStart.data[b]; e < rowStart.data[b + 1]; e++) if (index.data[e] >= start && index.data[e] < end) y.data[(index.data[e] - start) * B + b] = values.data[e];
  },
  wasm: ({ rowStart, index, values }, { y }, { start, end }) => ({
    kernel: "denseColumns",
    args: [address(rowStart), address(index), address(values), address(y), start, end, rowStart.size - 1, index.size],
    tasks: Math.ceil((rowStart.size - 1) / 32),
  }),
  wgsl: ({ rowStart, index, values }, { y }, { start }) =>
    rowTiles(y).flatMap(({ binding, first, end }): Dispatch[] => {
      const B = y.shape[1];
      const n = (end - first) * B;
      return [
        { code: eachElement("y[index] = 0.0;"), write: { y: binding }, u32: { n }, workgroups: grid(Math.ceil(n / 256)) },
        {
          code: eachRow(`
  for (var e = rowStart[row] + lane; e < rowStart[row + 1u]; e += 64u) {
    let f = columns[e];
    if (f >= p.first && f < p.end) { y[(f - p.first) * p.rows + row] = values[e]; }
  }`),
          read: { rowStart, columns: index, values },
          write: { y: binding },
          u32: { rows: B, first: start + first, end: start + end },
          workgroups: grid(B),
        },
      ];
    }),
});

const takeOp = defineOp<{ values: Float32Array; tile: Float32Array; rowStart: Uint32Array; index: Uint32Array }, object, { at: number }>({
  name: "takeAtInto",
  writes: ["values"],
  outputs({ tile, ...entries }, { at }) {
    expectEntries("takeAtInto", entries);
    expectShape("takeAtInto", "tile", tile, ["f32"], ["R", "F"]);
    if (!(at >= 0 && at + tile.shape[0] < entries.rowStart.size)) throw new ShapeError(`takeAtInto: expected rows ${at} to ${at + tile.shape[0]} inside ${entries.rowStart.size - 1} (rowStart is ${describe(entries.rowStart)})`);
    return {};
  },
  reference({ values, tile, rowStart, index }, _, { at }) {
    const [R, F] = tile.shape as [number, number];
    for (let r = 0; r < R; r++) for (let e = rowStart.data[at + r]; e < rowStart.data[at + r + 1]; e++) values.data[e] = tile.data[r * F + index.data[e]];
  },
  wasm: ({ values, tile, rowStart, index }, _, { at }) => ({
    kernel: "takeAt",
    args: [address(values), address(tile), address(rowStart) + 4 * at, address(index), tile.shape[0], tile.shape[1], index.size],
    tasks: Math.ceil(tile.shape[0] / ROWS),
  }),
  wgsl: ({ values, tile, rowStart, index }, _, { at }) =>
    rowTiles(tile).map(({ binding, first, end }) => ({
      code: eachRow("for (var e = rowStart[p.row + row] + lane; e < rowStart[p.row + row + 1u]; e += 64u) { values[e] = tile[row * p.F + columns[e]]; }"),
      read: { rowStart, columns: index, tile: binding },
      write: { values },
      u32: { rows: end - first, row: at + first, F: tile.shape[1] },
      workgroups: grid(end - first),
    })),
});

/** Rows `start` to `end` of features as a matrix. @param values f32[capacity] @returns f32[end-start,F] */
export const denseRows = ({ shape, rowStart, index }: Support, values: Tensor, range: Range): Tensor => rowsOp({ rowStart, index, values }, { ...range, F: shape[1] }).y;

/** Features `start` to `end`, a row each. @param values f32[capacity] @returns f32[end-start,B] */
export const denseColumns = ({ rowStart, index }: Support, values: Tensor, range: Range): Tensor => columnsOp({ rowStart, index, values }, range).y;

/** Takes what a matrix has at the entries of its rows. @param values f32[capacity], changed in place @param tile f32[R,F], rows at to at+R */
export const takeAtInto = (values: Tensor, tile: Tensor, { rowStart, index }: Support, options: { at: number }): void => void takeOp({ values, tile, rowStart, index }, options);
