import { defineComposite } from "../defineOp.js";
import { SparseFeatures } from "../sparse.js";
import type { Tensor } from "../tensor.js";
import { encoderSlopes, expectEncoder, expectK, expectRoom, type EncoderInputs, type Entries } from "./encoder.js";
import { eachTile } from "./tiles.js";
import { rowOffsets, topOfBatch } from "./topOfBatch.js";
import { whereActive } from "./whereActive.js";

const encode = defineComposite<EncoderInputs<Float32Array>, Entries<Float32Array, Uint32Array>, { k: number }>({
  name: "encodeBatchTopK",
  forward({ x, encoder, bias }, { k }) {
    const { device } = x;
    const B = x.shape[0];
    let picked = { row: device.empty("u32", [0]), column: device.empty("u32", [0]), values: device.empty("f32", [0]) };
    eachTile({ x, encoder, bias }, (tile, at) => {
      const before = picked;
      picked = topOfBatch(tile, before, { n: k * B, at });
      for (const tensor of Object.values(before)) tensor.dispose();
    });
    return { rowStart: rowOffsets(picked.row, { B }), index: picked.column, values: picked.values };
  },
  saves: ["x", "encoder", "rowStart", "index", "values"],
  vjp: ({ inputs, outputs, cotangents, needs }) => encoderSlopes(inputs, outputs, whereActive(outputs.values, cotangents.values), needs),
});

/**
 * Features of a BatchTopK dictionary in training: the k*B largest of relu(x encoderᵀ + bias) in the whole batch, few or many
 * a row. Equal ones go to the earlier row, then the lower feature; where fewer are positive there are entries of value 0;
 * NaN counts as largest. [B,F] is never whole in memory.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @param options.k 1..F, the mean number a row
 * @returns sparse features [B,F], k*B in all
 * @throws ShapeError `encodeBatchTopK: expected k 1 to 4096, got 5000`
 * @see Bussmann et al. 2024, "BatchTopK sparse autoencoders"
 */
export function encodeBatchTopK(x: Tensor, encoder: Tensor, bias: Tensor, { k }: { k: number }): SparseFeatures {
  expectEncoder("encodeBatchTopK", { x, encoder, bias });
  expectK("encodeBatchTopK", k, encoder.shape[0]);
  expectRoom("encodeBatchTopK", { x, encoder }, k);
  const { rowStart, index, values } = encode({ x, encoder, bias }, { k });
  return new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, values);
}
