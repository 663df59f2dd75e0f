import type { CpuDevice } from "../cpu/cpuDevice.js";
import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import type { Tensor } from "../tensor.js";
import { isActive, paramsOf, scanInto, type Rule, type RuleParams } from "./compact.js";
import { sliceRows } from "./copyRows.js";
import { embedding } from "./embedding.js";
import type { Entries } from "./encoder.js";
import { linearAt } from "./linearAt.js";
import { canScreen, packScreen, rowsOfTask, screenSpecs, type Panels } from "./screen.js";
import { hasProduct, noteProducts, productBounds } from "./screenProduct.js";
import { activeOfTiles, type ActiveInputs } from "./support.js";

const ROWS = 64;
/** After so many rows it shows whether few enough are active. */
const FIRST = 32;
/** With a larger share of active features, computing them one by one takes what integers save. */
const FEW = 1 / 12;
/** Candidates exist for as many rows as take this many bytes. */
const LIST_BYTES = 32 * 2 ** 20;
/** Candidates that a row may have, about an eighth of the features; one with more is left to be done otherwise. */
const capacityOf = (F: number): number => 16 * Math.ceil(F / 128) + 16;

const screenOp = defineOp<
  { x: Float32Array; encoder: Float32Array } & Panels<Int32Array, Float32Array>,
  { counts: Uint32Array; found: Int32Array; redo: Uint32Array; xq: Int32Array; rows: Float32Array },
  { start: number; end: number }
>({
  name: "screenActive",
  unbounded: ["rows"],
  outputs({ x, encoder }, { start, end }) {
    const R = end - start;
    return { counts: { dtype: "u32", shape: [R] }, found: { dtype: "i32", shape: [R, capacityOf(encoder.shape[0])] }, ...screenSpecs(R, x.shape[1]) };
  },
  /** Leaves every row to be done otherwise: what this op adds is speed alone. */
  reference(_, { redo }) {
    redo.data.fill(1);
  },
  wasm({ x, encoder, wq, lanes, bounds }, { counts, found, redo, xq, rows }, { start, end }) {
    const [F, D] = encoder.shape as [number, number];
    const R = end - start;
    const tile = rowsOfTask(x.device as CpuDevice, R);
    return { kernel: "screenActive", args: [address(x) + 4 * D * start, ...[counts, redo, wq, lanes, bounds, xq, rows, found].map(address), R, D, F, tile, capacityOf(F)], tasks: Math.ceil(R / tile) };
  },
});

/** For each of some rows its candidates, and how many; or that the row is left to be done otherwise. */
type Screen = (range: { start: number; end: number }) => { counts: Tensor; found: Tensor; redo: Tensor };

function byIntegers(inputs: ActiveInputs, rule?: Rule): Screen {
  const panels = packScreen(inputs, rule);
  return (range) => screenOp({ x: inputs.x, encoder: inputs.encoder, ...panels }, range);
}

/** The same by an engine's product (see screenProduct.as.ts). */
function byProducts(inputs: ActiveInputs, rule?: Rule): Screen {
  const bounds = productBounds(inputs, rule);
  return (range) => noteProducts(inputs, bounds, range, { capacity: capacityOf(inputs.encoder.shape[0]) });
}

const candidatesOp = defineOp<{ rowStart: Uint32Array; found: Int32Array }, { index: Uint32Array }, { n: number }>({
  name: "takeCandidates",
  outputs: (_, { n }) => ({ index: { dtype: "u32", shape: [n] } }),
  reference({ rowStart, found }, { index }) {
    for (let r = 0; r + 1 < rowStart.data.length; r++) for (let e = rowStart.data[r]; e < rowStart.data[r + 1]; e++) index.data[e] = found.data[r * found.shape[1] + e - rowStart.data[r]];
  },
  wasm: ({ rowStart, found }, { index }) => ({ kernel: "takeCandidates", args: [...[index, rowStart, found].map(address), found.shape[0], found.shape[1]], tasks: Math.ceil(found.shape[0] / ROWS) }),
});

const keepOp = defineOp<Entries<Float32Array, Uint32Array> & { threshold?: Float32Array }, { counts: Uint32Array }, RuleParams>({
  name: "keepActiveInto",
  writes: ["index", "values"],
  outputs: ({ rowStart }) => ({ counts: { dtype: "u32", shape: [rowStart.size - 1] } }),
  reference({ rowStart, index, values, threshold }, { counts }, params) {
    for (let r = 0; r < counts.data.length; r++) {
      let to = rowStart.data[r];
      for (let e = to; e < rowStart.data[r + 1]; e++)
        if (isActive(values.data[e], threshold?.data[threshold.data.length === 1 ? 0 : index.data[e]], params)) {
          index.data[to] = index.data[e];
          values.data[to++] = values.data[e];
        }
      counts.data[r] = to - rowStart.data[r];
    }
  },
  wasm: ({ rowStart, index, values, threshold }, { counts }, { margin, positive }) => ({
    kernel: "keepActive",
    args: [...[index, values, rowStart, counts].map(address), threshold ? address(threshold) : 0, counts.size, threshold && threshold.size > 1 ? 1 : 0, f32Bits(margin), positive ? 1 : 0],
    tasks: Math.ceil(counts.size / ROWS),
  }),
});

const takeOp = defineOp<Entries<Float32Array, Uint32Array> & { fromIndex: Uint32Array; fromValues: Float32Array; fromStart: Uint32Array; counts: Uint32Array }, object>({
  name: "takeRowsInto",
  writes: ["index", "values"],
  outputs: () => ({}),
  reference({ rowStart, index, values, fromStart, fromIndex, fromValues, counts }) {
    counts.data.forEach((n, r) => {
      for (let i = 0; i < n; i++) {
        index.data[rowStart.data[r] + i] = fromIndex.data[fromStart.data[r] + i];
        values.data[rowStart.data[r] + i] = fromValues.data[fromStart.data[r] + i];
      }
    });
  },
  wasm: ({ rowStart, index, values, fromStart, fromIndex, fromValues, counts }) => ({
    kernel: "takeRows",
    args: [...[index, values, rowStart, fromIndex, fromValues, fromStart, counts].map(address), counts.size],
    tasks: Math.ceil(counts.size / ROWS),
  }),
});

/**
 * The pre-activations x encoderᵀ + bias that are active by the rule, the same bytes as from all of them: integers tell which
 * can be, and only those are computed in f32 (see screenActive.as.ts).
 * @returns undefined where that is not worth while: for few rows, or if too many are active, as far as the first rows tell
 */
export function screenActive(inputs: ActiveInputs, rule?: Rule): Entries<Tensor, Tensor> | undefined {
  const { device, shape } = inputs.x;
  if (!(canScreen(inputs) && shape[0] >= 4 * FIRST)) return undefined;
  const F = inputs.encoder.shape[0];
  const atOnce = Math.max(1, Math.floor(LIST_BYTES / (4 * capacityOf(F))));
  return device.scope(() => {
    const screen = (hasProduct(inputs) ? byProducts : byIntegers)(inputs, rule);
    const parts = [];
    for (let start = 0, end = FIRST; start < shape[0]; start = end, end = Math.min(shape[0], start + atOnce)) {
      const part = device.scope(() => entriesOf(inputs, screen, { start, end }, start === 0 ? FIRST * FEW * F : Infinity, rule));
      if (!part) return undefined;
      parts.push(part);
    }
    return joined(parts, device as CpuDevice);
  });
}

/** The entries of rows `start` to `end`, or undefined where more than `most` can be. */
function entriesOf({ x, encoder, bias }: ActiveInputs, screen: Screen, { start, end }: { start: number; end: number }, most: number, rule?: Rule): Entries<Tensor, Tensor> | undefined {
  const device = x.device as CpuDevice;
  const F = encoder.shape[0];
  const { counts: candidates, found, redo } = screen({ start, end });
  const flags = device.view(redo) as Uint32Array;
  const ids = flags.map((_, r) => r).filter((r) => flags[r]);
  const fromStart = startsOf(candidates);
  const n = device.view(fromStart)[end - start]!;
  if (n + ids.length * capacityOf(F) > most) return undefined;

  const fromIndex = candidatesOp({ rowStart: fromStart, found }, { n }).index;
  const fromValues = linearAt({ shape: [end - start, F], rowStart: fromStart, index: fromIndex }, sliceRows(x, { start, end }), encoder, bias);
  const { counts } = keepOp({ rowStart: fromStart, index: fromIndex, values: fromValues, threshold: rule?.threshold }, paramsOf(rule));
  const rest = ids.length > 0 && activeOfTiles({ x: embedding(x, device.tensor(ids.map((r) => start + r), [ids.length])), encoder, bias }, rule);
  if (!rest) return taken(counts, startsOf(counts), { fromStart, fromIndex, fromValues });

  // rows that are left have no candidates: their places are made, and filled here
  const [all, from] = [device.tensor(device.view(counts).slice(), [end - start]), device.view(rest.rowStart)];
  ids.forEach((r, i) => (device.view(all)[r] = from[i + 1]! - from[i]!));
  const entries = taken(counts, startsOf(all), { fromStart, fromIndex, fromValues });
  const [places, offsets] = [device.view(entries.rowStart), device.view(rest.rowStart)];
  for (const name of ["index", "values"] as const) {
    const [target, source] = [device.view(entries[name]), device.view(rest[name])];
    ids.forEach((r, i) => target.set(source.subarray(offsets[i], offsets[i + 1]), places[r]));
  }
  return entries;
}

/** u32[R] → u32[R+1], where each row begins */
function startsOf(counts: Tensor): Tensor {
  const rowStart = counts.device.zeros([counts.size + 1], "u32");
  scanInto(rowStart, counts, { at: 0 });
  return rowStart;
}

/** Entries whose rows begin at `rowStart`, with the counts[r] first ones of another's. */
function taken(counts: Tensor, rowStart: Tensor, from: { fromStart: Tensor; fromIndex: Tensor; fromValues: Tensor }): Entries<Tensor, Tensor> {
  const device = counts.device as CpuDevice;
  const nnz = device.view(rowStart)[counts.size]!;
  const entries = { rowStart, index: device.empty("u32", [nnz]), values: device.empty("f32", [nnz]) };
  takeOp({ ...entries, ...from, counts }, {});
  return entries;
}

/** Entries of rows and of those behind them as one. */
function joined(parts: readonly Entries<Tensor, Tensor>[], device: CpuDevice): Entries<Tensor, Tensor> {
  const sizes = (of: (part: Entries<Tensor, Tensor>) => Tensor) => parts.reduce((sum, part) => sum + of(part).size, 0);
  const [B, nnz] = [sizes(({ rowStart }) => rowStart) - parts.length, sizes(({ index }) => index)];
  const entries = { rowStart: device.zeros([B + 1], "u32"), index: device.empty("u32", [nnz]), values: device.empty("f32", [nnz]) };
  const [rowStart, index, values] = [device.view(entries.rowStart), device.view(entries.index), device.view(entries.values)];
  let [row, place] = [0, 0];
  for (const part of parts) {
    index.set(device.view(part.index), place);
    values.set(device.view(part.values), place);
    for (const offset of device.view(part.rowStart)) rowStart[row++] = place + offset;
    row--; // a part's end is where the next begins
    place += part.index.size;
  }
  return entries;
}
