import type { CpuDevice } from "../cpu/cpuDevice.js";
import { address } from "../cpu/wasmCall.js";
import { defineOp, type Spec } from "../defineOp.js";
import type { Tensor } from "../tensor.js";
import { embedding } from "./embedding.js";
import type { EncoderInputs, Entries } from "./encoder.js";
import { canScreen, packScreen, rowsOfTask, screenSpecs, type Panels } from "./screen.js";
import { hasProduct, noteProducts, productBounds, type Noted } from "./screenProduct.js";
import { topKOfTiles } from "./topK.js";

type Scratch = { redo: Uint32Array; xq: Int32Array; rows: Float32Array; found: Int32Array };

/** Candidates that a row may have: the k largest, and room for those that come too early or are close. */
const capacityOf = (k: number): number => Math.max(128, 16 * Math.ceil(k / 4));

const entrySpecs = (B: number, k: number): Entries<Spec, Spec> => ({ rowStart: { dtype: "u32", shape: [B + 1] }, index: { dtype: "u32", shape: [B * k] }, values: { dtype: "f32", shape: [B * k] } });

const op = defineOp<EncoderInputs<Float32Array> & Panels<Int32Array, Float32Array>, Entries<Float32Array, Uint32Array> & Scratch, { k: number }>({
  name: "screenTopK",
  unbounded: ["rows"],
  outputs({ x }, { k }) {
    const [B, D] = x.shape as [number, number];
    return {
      ...entrySpecs(B, k),
      found: { dtype: "i32", shape: [B, 3 * capacityOf(k)] },
      ...screenSpecs(B, D),
    };
  },
  /** Leaves every row to be done otherwise: what this op adds is speed alone. */
  reference(_, { redo }) {
    redo.data.fill(1);
  },
  wasm({ x, encoder, bias, wq, lanes, bounds }, out, { k }) {
    const [B, D] = x.shape as [number, number];
    const rows = rowsOfTask(x.device as CpuDevice, B);
    const tensors = [x, encoder, bias, out.rowStart, out.index, out.values, out.redo, wq, lanes, bounds, out.xq, out.rows, out.found];
    return { kernel: "screenTopK", args: [...tensors.map(address), B, D, encoder.shape[0], k, rows, capacityOf(k)], tasks: Math.ceil(B / rows) };
  },
});

const finishOp = defineOp<EncoderInputs<Float32Array> & Noted<Float32Array, Uint32Array, Int32Array>, Entries<Float32Array, Uint32Array>, { k: number }>({
  name: "finishTopK",
  outputs: ({ x }, { k }) => entrySpecs(x.shape[0], k),
  reference() {
    throw new Error("finishTopK: expected cpu");
  },
  wasm({ x, encoder, bias, rows, counts, redo, found }, { rowStart, index, values }, { k }) {
    const [B, D] = x.shape as [number, number];
    return { kernel: "finishTopK", args: [...[x, encoder, bias, rowStart, index, values, redo, rows, counts, found].map(address), B, D, encoder.shape[0], k, capacityOf(k)], tasks: Math.ceil(B / 16) };
  },
});

/** The same by an engine's product (see screenProduct.as.ts). */
function topKOfProducts(inputs: EncoderInputs<Tensor>, k: number): Entries<Tensor, Tensor> & { redo: Tensor } {
  const state = noteProducts(inputs, productBounds(inputs), { start: 0, end: inputs.x.shape[0] }, { k, capacity: capacityOf(k) });
  return { redo: state.redo, ...finishOp({ ...inputs, ...state }, { k }) };
}

/** Whether screening is worth while: few features of a row must be wanted. */
export const screens = (inputs: { x: Tensor; encoder: Tensor }, k: number): boolean => canScreen(inputs) && k <= 256 && 8 * k <= inputs.encoder.shape[0];

/**
 * The k largest of relu(x encoderᵀ + bias) of each row, the same bytes as from all of the pre-activations: integers tell which
 * features can be among them, and only those are computed in f32 (see screenTopK.as.ts).
 */
export function screenTopK(inputs: EncoderInputs<Tensor>, k: number): Entries<Tensor, Tensor> {
  const device = inputs.x.device as CpuDevice;
  return device.scope(() => {
    const { rowStart, index, values, redo } = hasProduct(inputs) ? topKOfProducts(inputs, k) : op({ ...inputs, ...packScreen(inputs) }, { k });
    const flags = device.view(redo) as Uint32Array;
    if (flags.includes(1)) {
      const ids = Uint32Array.from(flags.keys()).filter((b) => flags[b]);
      const rest = topKOfTiles({ ...inputs, x: embedding(inputs.x, device.tensor(ids, [ids.length])) }, k);
      for (const [to, from] of [[index, rest.index], [values, rest.values]]) {
        const [target, source] = [device.view(to), device.view(from)];
        ids.forEach((b, i) => target.set(source.subarray(i * k, i * k + k), b * k));
      }
    }
    return { rowStart, index, values };
  });
}
