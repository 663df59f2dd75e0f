import { CpuDevice } from "../cpu/cpuDevice.js";
import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import type { Tensor } from "../tensor.js";
import { embedding } from "./embedding.js";
import type { EncoderInputs, Entries } from "./encoder.js";
import { topKOfTiles } from "./topK.js";

/** Rows of a task: they share what they read of the encoder. */
const ROWS = 128;
const FEATURES = 64;
type Scratch = { redo: Uint32Array; packed: Int32Array; lanes: Float32Array; bounds: Float32Array; pairs: Int32Array; rows: Float32Array; found: Int32Array };

/** Candidates that a row may have: the k largest, and room for those that come too early or are close. */
const capacityOf = (k: number): number => Math.max(128, 16 * Math.ceil(k / 4));

// cpu only: a GPU has other ways to be fast
const op = defineOp<EncoderInputs<Float32Array>, Entries<Float32Array, Uint32Array> & Scratch, { k: number }>({
  name: "screenTopK",
  outputs({ x, encoder }, { k }) {
    const [B, D] = x.shape as [number, number];
    const [F, even, pairs] = [16 * Math.ceil(encoder.shape[0] / 16), 2 * Math.ceil(B / 2), Math.ceil(D / 2)];
    const of = (dtype: "u32" | "f32" | "i32", ...shape: number[]) => ({ dtype, shape });
    return {
      rowStart: of("u32", B + 1),
      index: of("u32", B * k),
      values: of("f32", B * k),
      redo: of("u32", B),
      packed: of("i32", F, pairs),
      lanes: of("f32", 2, F),
      bounds: of("f32", F / 16, 3),
      pairs: of("i32", even, pairs),
      rows: of("f32", 5, even),
      found: of("i32", B, 3 * capacityOf(k)),
    };
  },
  /** Leaves every row to be done otherwise: what this op adds is speed alone. */
  reference(_, { redo }) {
    redo.data.fill(1);
  },
  wasm({ x, encoder, bias }, out, { k }) {
    const [B, D] = x.shape as [number, number];
    const F = encoder.shape[0];
    const rows = Math.min(ROWS, Math.max(16, 2 * Math.ceil(B / (8 * (x.device as CpuDevice).threads))));
    const tensors = [x, encoder, bias, out.rowStart, out.index, out.values, out.redo, out.packed, out.lanes, out.bounds, out.pairs, out.rows, out.found];
    const args = [...tensors.map(address), B, D, F, k, rows, capacityOf(k)];
    return [
      { kernel: "screenPack", args, tasks: Math.ceil(F / FEATURES) },
      { kernel: "screenTopK", args, tasks: Math.ceil(B / rows) },
    ];
  },
});

/** Whether screening is worth while: it packs the whole encoder first, for rows of which few features are wanted. */
export const screens = ({ x, encoder }: { x: Tensor; encoder: Tensor }, k: number): boolean => x.device instanceof CpuDevice && x.shape[0] >= 32 && x.shape[1] >= 8 && k <= 256 && 8 * k <= encoder.shape[0];

/**
 * The k largest of relu(x encoderᵀ + bias) of each row, the same bytes as from all of the pre-activations: integers tell which
 * features can be among them, and only those are computed in f32 (see screenTopK.as.ts).
 */
export function screenTopK(inputs: EncoderInputs<Tensor>, k: number): Entries<Tensor, Tensor> {
  const device = inputs.x.device as CpuDevice;
  return device.scope(() => {
    const { rowStart, index, values, redo } = op(inputs, { k });
    const flags = device.view(redo);
    const ids = Uint32Array.from(flags.keys()).filter((b) => flags[b]);
    if (ids.length) {
      const rest = topKOfTiles({ ...inputs, x: embedding(inputs.x, device.tensor(ids, [ids.length])) }, k);
      for (const [to, from] of [[index, rest.index], [values, rest.values]]) {
        const [target, source] = [device.view(to), device.view(from)];
        ids.forEach((b, i) => target.set(source.subarray(i * k, i * k + k), b * k));
      }
    }
    return { rowStart, index, values };
  });
}
