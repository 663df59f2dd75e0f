import type { CpuDevice } from "../cpu/cpuDevice.js";
import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import type { Tensor } from "../tensor.js";
import { paramsOf, scanInto, type Rule, type RuleParams } from "./compact.js";
import { embedding } from "./embedding.js";
import type { Entries } from "./encoder.js";
import { canScreen, packScreen, rowsOfTask, screenSpecs, type Panels } from "./screen.js";
import { activeOfTiles, type ActiveInputs } from "./support.js";

/** After so many rows it shows whether few enough are active. */
const FIRST = 32;
/** With a larger share of active features, computing them one by one takes what integers save. */
const FEW = 1 / 12;
/** Candidates exist for as many rows as take this many bytes. */
const LIST_BYTES = 64 * 2 ** 20;
/** Candidates that a row may have, about an eighth of the features; one with more is left to be done otherwise. */
const capacityOf = (F: number): number => 16 * Math.ceil(F / 128) + 16;

type Given = { x: Float32Array; encoder: Float32Array; bias?: Float32Array; threshold?: Float32Array } & Panels<Int32Array, Float32Array>;
type Outputs = { counts: Uint32Array; found: Int32Array; redo: Uint32Array; xq: Int32Array; rows: Float32Array };
type Params = RuleParams & { start: number; end: number };

const op = defineOp<Given, Outputs, Params>({
  name: "screenActive",
  outputs({ x, encoder }, { start, end }) {
    const R = end - start;
    return { counts: { dtype: "u32", shape: [R] }, found: { dtype: "i32", shape: [R, 2, capacityOf(encoder.shape[0])] }, ...screenSpecs(R, x.shape[1]) };
  },
  /** Leaves every row to be done otherwise: what this op adds is speed alone. */
  reference(_, { redo }) {
    redo.data.fill(1);
  },
  wasm({ x, encoder, bias, threshold, wq, lanes, bounds }, { counts, found, redo, xq, rows }, { margin, positive, start, end }) {
    const [F, D] = encoder.shape as [number, number];
    const R = end - start;
    const tile = rowsOfTask(x.device as CpuDevice, R);
    const tensors = [encoder, bias, threshold, counts, redo, wq, lanes, bounds, xq, rows, found].map((tensor) => (tensor ? address(tensor) : 0));
    const args = [address(x) + 4 * D * start, ...tensors, R, D, F, tile, capacityOf(F), threshold && threshold.size > 1 ? 1 : 0, f32Bits(margin), positive ? 1 : 0];
    return { kernel: "screenActive", args, tasks: Math.ceil(R / tile) };
  },
});

const takeOp = defineOp<{ index: Uint32Array; values: Float32Array; rowStart: Uint32Array; redo: Uint32Array; found: Int32Array }, object>({
  name: "takeScreenedInto",
  writes: ["index", "values"],
  outputs: () => ({}),
  reference() {}, // no row was screened
  wasm: ({ index, values, rowStart, redo, found }) => ({ kernel: "takeScreened", args: [...[index, values, rowStart, redo, found].map(address), redo.size, found.shape[2]], tasks: Math.ceil(redo.size / 64) }),
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
  const atOnce = Math.max(1, Math.floor(LIST_BYTES / (8 * capacityOf(F))));
  return device.scope(() => {
    const panels = packScreen(inputs, rule);
    const parts = [];
    for (let start = 0, end = FIRST; start < shape[0]; start = end, end = Math.min(shape[0], start + atOnce)) {
      const part = device.scope(() => entriesOf({ ...inputs, panels }, { start, end }, start === 0 ? FIRST * FEW * F : Infinity, rule));
      if (!part) return undefined;
      parts.push(part);
    }
    return joined(parts, device as CpuDevice);
  });
}

/** The entries of rows `start` to `end`, or undefined where there are more than `most`. */
function entriesOf({ panels, ...inputs }: ActiveInputs & { panels: Panels<Tensor, Tensor> }, rows: { start: number; end: number }, most: number, rule?: Rule): Entries<Tensor, Tensor> | undefined {
  const device = inputs.x.device as CpuDevice;
  const { counts, found, redo } = op({ ...inputs, ...panels, threshold: rule?.threshold }, { ...rows, ...paramsOf(rule) });
  const flags = device.view(redo) as Uint32Array;
  const ids = flags.map((_, r) => r).filter((r) => flags[r]);
  if ((device.view(counts) as Uint32Array).reduce((sum, n) => sum + n, ids.length * capacityOf(inputs.encoder.shape[0])) > most) return undefined;
  const rowStart = device.zeros([counts.size + 1], "u32");
  const rest = ids.length > 0 && activeOfTiles({ ...inputs, x: embedding(inputs.x, device.tensor(ids.map((r) => rows.start + r), [ids.length])) }, rule);
  if (rest) {
    const [target, from] = [device.view(counts), device.view(rest.rowStart)];
    ids.forEach((r, i) => (target[r] = from[i + 1]! - from[i]!));
  }
  scanInto(rowStart, counts, { at: 0 });
  const nnz = device.view(rowStart)[counts.size]!;
  const entries = { rowStart, index: device.empty("u32", [nnz]), values: device.empty("f32", [nnz]) };
  takeOp({ ...entries, redo, found }, {});
  if (rest) {
    const [places, from] = [device.view(rowStart), device.view(rest.rowStart)];
    for (const name of ["index", "values"] as const) {
      const [target, source] = [device.view(entries[name]), device.view(rest[name])];
      ids.forEach((r, i) => target.set(source.subarray(from[i], from[i + 1]), places[r]));
    }
  }
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
