import { CpuDevice } from "../cpu/cpuDevice.js";
import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp, type Spec } from "../defineOp.js";
import type { Tensor } from "../tensor.js";
import { paramsOf, type Rule, type RuleParams } from "./compact.js";

// What the integer screens share on this side: see screen.as.ts. On cpu only; a GPU has other ways to be fast.

const FEATURES = 64;
/** Rows of a task: they share what they read of the encoder. */
const ROWS = 128;

/** An encoder as integers, with the bounds of its roundings. */
export interface Panels<I, F> {
  wq: I;
  lanes: F;
  bounds: F;
}

const packOp = defineOp<{ encoder: Float32Array; bias?: Float32Array; threshold?: Float32Array }, Panels<Int32Array, Float32Array>, RuleParams>({
  name: "screenPack",
  outputs({ encoder }) {
    const [F, pairs] = [16 * Math.ceil(encoder.shape[0] / 16), Math.ceil(encoder.shape[1] / 2)];
    return { wq: { dtype: "i32", shape: [F, pairs] }, lanes: { dtype: "f32", shape: [2, F] }, bounds: { dtype: "f32", shape: [F / 16, 3] } };
  },
  reference() {
    throw new Error("screenPack: expected cpu");
  },
  wasm({ encoder, bias, threshold }, { wq, lanes, bounds }, { margin, positive }) {
    const [F, D] = encoder.shape as [number, number];
    const given = [encoder, bias, threshold, wq, lanes, bounds].map((tensor) => (tensor ? address(tensor) : 0));
    return { kernel: "screenPack", args: [...given, D, F, threshold && threshold.size > 1 ? 1 : 0, f32Bits(margin), positive ? 1 : 0], tasks: Math.ceil(F / FEATURES) };
  },
});

/** Panels of an encoder, for pre-activations that the rule, or without one 0, cuts. */
export const packScreen = ({ encoder, bias }: { encoder: Tensor; bias?: Tensor }, rule?: Rule): Panels<Tensor, Tensor> => packOp({ encoder, bias, threshold: rule?.threshold }, paramsOf(rule));

/** Rows as integers, with their numbers: what a screen writes on the way. */
export function screenSpecs(R: number, D: number): { xq: Spec; rows: Spec; redo: Spec } {
  const even = 2 * Math.ceil(R / 2);
  return { xq: { dtype: "i32", shape: [even, Math.ceil(D / 2)] }, rows: { dtype: "f32", shape: [5, even] }, redo: { dtype: "u32", shape: [R] } };
}

/** Rows of a task, an even number: few enough that every thread has several. */
export const rowsOfTask = (device: CpuDevice, R: number): number => Math.min(ROWS, Math.max(16, 2 * Math.ceil(R / (8 * device.threads))));

/** Whether screening can be worth while: it packs the whole encoder first. */
export const canScreen = ({ x, encoder }: { x: Tensor; encoder: Tensor }): boolean => x.device instanceof CpuDevice && x.shape[0] >= 32 && x.shape[1] >= 8 && encoder.shape[0] >= 16;
