import { CpuDevice } from "../cpu/cpuDevice.js";
import type { Gemm } from "../cpu/gemm.js";
import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import type { Tensor } from "../tensor.js";
import { paramsOf, type Rule, type RuleParams } from "./compact.js";
import { linearCall } from "./linear.js";
import { rowsOfTask } from "./screen.js";
import type { ActiveInputs } from "./support.js";

// What the screens by an engine's product share on this side: see screenProduct.as.ts.

/** Products exist for so many rows and features at a time: some 8 MiB. */
const ROWS = 2048;
const COLUMNS = 1024;

/** Of products that were made in an order unknown, what is needed to say how far off they can be. */
export interface Bounds<F> {
  cuts: F;
  bounds: F;
}

const boundsOp = defineOp<{ encoder: Float32Array; bias?: Float32Array; threshold?: Float32Array }, Bounds<Float32Array>, RuleParams>({
  name: "productBounds",
  outputs({ encoder }) {
    const panels = Math.ceil(encoder.shape[0] / 16);
    return { cuts: { dtype: "f32", shape: [16 * panels] }, bounds: { dtype: "f32", shape: [panels, 2] } };
  },
  reference() {
    throw new Error("productBounds: expected cpu");
  },
  wasm({ encoder, bias, threshold }, { cuts, bounds }, { margin, positive }) {
    const [F, D] = encoder.shape as [number, number];
    const given = [encoder, bias, threshold, cuts, bounds].map((tensor) => (tensor ? address(tensor) : 0));
    return { kernel: "productBounds", args: [...given, D, F, threshold && threshold.size > 1 ? 1 : 0, f32Bits(margin), positive ? 1 : 0], tasks: Math.ceil(F / 64) };
  },
});

/** Rows `start` to `stop` and features `feature` to `end`. */
interface Part {
  start: number;
  stop: number;
  feature: number;
  end: number;
}

const gemmOf = ({ x, encoder, bias }: ActiveInputs, h: Tensor, { start, stop, feature, end }: Part): Gemm => {
  const K = x.shape[1];
  return { a: address(x) + 4 * K * start, b: address(encoder) + 4 * K * feature, bias: bias ? address(bias) + 4 * feature : 0, y: address(h), M: stop - start, N: end - feature, K, transposeA: false, transposeB: true };
};

const productOp = defineOp<{ x: Float32Array; encoder: Float32Array; bias?: Float32Array }, { h: Float32Array }, Part>({
  name: "linearPart",
  unbounded: ["h"], // it only says what else is computed, and that is looked at
  // kernels read 16 at a time
  outputs: (_, { start, stop, feature, end }) => ({ h: { dtype: "f32", shape: [(stop - start) * (end - feature) + 15] } }),
  reference() {
    throw new Error("linearPart: expected cpu");
  },
  wasm: (inputs, { h }, part) => linearCall(gemmOf(inputs, h, part)),
  gemm: (inputs, { h }, part) => gemmOf(inputs, h, part),
});

/** How far products of an encoder can be off, for pre-activations that the rule, or without one 0, cuts. */
export const productBounds = ({ encoder, bias }: { encoder: Tensor; bias?: Tensor }, rule?: Rule): Bounds<Tensor> => boundsOp({ encoder, bias, threshold: rule?.threshold }, paramsOf(rule));

/** What is kept of rows while their products come and go: at last which candidates each has, how many, and whether it is left to be done otherwise. */
export interface Noted<F, U, I> {
  rows: F;
  counts: U;
  redo: U;
  found: I;
}

const noteOp = defineOp<Noted<Float32Array, Uint32Array, Int32Array> & Bounds<Float32Array> & { h: Float32Array; x: Float32Array }, object, Part & { first: number; F: number; k: number; capacity: number }>({
  name: "noteProductsInto",
  writes: ["rows", "counts", "redo", "found"],
  unbounded: ["rows"],
  outputs: () => ({}),
  reference() {
    throw new Error("noteProductsInto: expected cpu");
  },
  wasm({ h, x, cuts, bounds, rows, counts, redo, found }, _, { start, stop, feature, end, first, F, k, capacity }) {
    const D = x.shape[1];
    const tile = rowsOfTask(x.device as CpuDevice, stop - start);
    const given = [cuts, bounds, rows, counts, redo, found].map(address);
    return { kernel: "noteProducts", args: [address(h), address(x) + 4 * D * start, ...given, counts.size, D, F, start - first, stop - first, feature, end - feature, k, tile, capacity], tasks: Math.ceil((stop - start) / tile) };
  },
});

/** Whether an engine's product is there to screen by. */
export const hasProduct = ({ x, encoder }: { x: Tensor; encoder: Tensor }): boolean => x.device instanceof CpuDevice && x.device.hasGemm({ M: Math.min(ROWS, x.shape[0]), N: Math.min(COLUMNS, encoder.shape[0]), K: x.shape[1] });

/**
 * The candidates of rows `start` to `end`, by products part after part: for the k largest of each row, or where k is 0 for what
 * the rule of the bounds cuts.
 * @param options.capacity candidates that a row may have
 */
export function noteProducts(inputs: ActiveInputs, bounds: Bounds<Tensor>, { start: first, end: last }: { start: number; end: number }, { k = 0, capacity }: { k?: number; capacity: number }): Noted<Tensor, Tensor, Tensor> {
  const { x, encoder } = inputs;
  const { device } = x;
  const [R, F] = [last - first, encoder.shape[0]];
  const state = { rows: device.empty("f32", [2, R]), counts: device.empty("u32", [R]), redo: device.empty("u32", [R]), found: device.empty("i32", [R, (k ? 3 : 1) * capacity]) };
  for (let start = first; start < last; start += ROWS)
    for (let feature = 0; feature < F; feature += COLUMNS) {
      const part = { start, stop: Math.min(last, start + ROWS), feature, end: Math.min(F, feature + COLUMNS) };
      using h = productOp(inputs, part).h;
      noteOp({ h, x, ...bounds, ...state }, { ...part, first, F, k, capacity });
    }
  return state;
}
