import { defineComposite } from "../defineOp.js";
import { SparseFeatures } from "../sparse.js";
import type { Tensor } from "../tensor.js";
import { encoderSlopes, expectEncoder, expectK, expectRoom, type EncoderInputs, type Entries } from "./encoder.js";
import { screens, screenTopK } from "./screenTopK.js";
import { topKOfTiles } from "./topK.js";
import { whereActive } from "./whereActive.js";

const encode = defineComposite<EncoderInputs<Float32Array>, Entries<Float32Array, Uint32Array>, { k: number }>({
  name: "encodeTopK",
  forward: (inputs, { k }) => (screens(inputs, k) ? screenTopK(inputs, k) : topKOfTiles(inputs, k)),
  saves: ["x", "encoder", "rowStart", "index", "values"],
  // which features are the largest does not change with a small step, so the slopes are those of their relu
  vjp: ({ inputs, outputs, cotangents, needs }) => encoderSlopes(inputs, outputs, whereActive(outputs.values, cotangents.values), needs),
});

/**
 * Features of a TopK dictionary: the k largest of relu(x encoderᵀ + bias) in each row. Equal ones go to the lower feature; a
 * row with fewer than k positive ones has entries of value 0; NaN counts as largest. [B,F] is never whole in memory.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @param options.k 1..F
 * @returns sparse features [B,F], k a row
 * @throws KernelError UNSUPPORTED when B*k entries do not fit the largest binding
 * @throws ShapeError `encodeTopK: expected k 1 to 4096, got 5000`
 * @see Gao et al. 2024, "Scaling and evaluating sparse autoencoders", §2.3
 */
export function encodeTopK(x: Tensor, encoder: Tensor, bias: Tensor, { k }: { k: number }): SparseFeatures {
  expectEncoder("encodeTopK", { x, encoder, bias });
  expectK("encodeTopK", k, encoder.shape[0]);
  expectRoom("encodeTopK", { x, encoder }, k);
  const { rowStart, index, values } = encode({ x, encoder, bias }, { k });
  return new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, values);
}
