import { CpuDevice } from "../cpu/cpuDevice.js";
import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import type { SparseFeatures } from "../sparse.js";
import type { Tensor } from "../tensor.js";
import { byFeature } from "./byFeature.js";

const FEATURES = 32;

const op = defineOp<{ start: Uint32Array; entry: Uint32Array; row: Uint32Array; x: Float32Array; weight: Float32Array; bias?: Float32Array }, { y: Float32Array }>({
  name: "linearAtByFeature",
  outputs: ({ entry }) => ({ y: { dtype: "f32", shape: entry.shape } }),
  reference({ start, entry, row, x, weight, bias }, { y }) {
    const D = weight.shape[1];
    for (let f = 0; f + 1 < start.data.length; f++)
      for (let i = start.data[f]; i < start.data[f + 1]; i++) {
        let sum = bias ? bias.data[f] : 0;
        for (let d = 0; d < D; d++) sum += x.data[row.data[i] * D + d] * weight.data[f * D + d];
        y.data[entry.data[i]] = sum;
      }
  },
  wasm: ({ start, entry, row, x, weight, bias }, { y }) => ({
    kernel: "linearAtByFeature",
    args: [...[start, entry, row, x, weight].map(address), bias ? address(bias) : 0, address(y), x.shape[0], x.shape[1], weight.shape[0], entry.size],
    tasks: Math.ceil(weight.shape[0] / FEATURES),
  }),
});

/** Whether features have so many entries that it pays to read each one's weights once, and rows of x at random, of which there are fewer. On cpu. */
export const goesByFeature = (index: Tensor, weight: Tensor): boolean => index.device instanceof CpuDevice && index.size >= 4 * weight.shape[0];

/** `linearAt`, the same bytes, feature by feature. */
export function linearAtByFeature({ shape: [, F], rowStart, index }: Pick<SparseFeatures, "shape" | "rowStart" | "index">, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  return x.device.scope(() => {
    const { start, entry, row } = byFeature(rowStart, index, { F });
    return op({ start, entry, row, x, weight, bias }, {}).y;
  });
}
