import { defineComposite } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { encoderSlopes, expectEncoder, expectRoom, type EncoderInputs, type Entries } from "./encoder.js";
import { activeEntries } from "./activeEntries.js";

const encode = defineComposite<EncoderInputs<Float32Array> & { threshold: Float32Array }, Entries<Float32Array, Uint32Array>>({
  name: "encodeThreshold",
  forward: ({ threshold, ...inputs }) => activeEntries(inputs, { threshold, positive: true }),
  saves: ["x", "encoder", "rowStart", "index"],
  // the threshold decides what is there and has no slope: a gradient of it is refused
  vjp: ({ inputs, outputs, cotangents, needs }) => encoderSlopes(inputs, outputs, cotangents.values, needs),
});

/**
 * Features of a dictionary with thresholds, in use: relu(x encoderᵀ + bias) where it is above its threshold, else 0. For
 * JumpReLU a threshold a feature, for BatchTopK and Matryoshka one for all.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @param threshold f32[F] or f32[1]; no gradient of it is known
 * @returns sparse features [B,F], values > 0
 * @throws KernelError UNSUPPORTED when B*F entries do not fit the largest binding
 */
export function encodeThreshold(x: Tensor, encoder: Tensor, bias: Tensor, threshold: Tensor): SparseFeatures {
  expectEncoder("encodeThreshold", { x, encoder, bias });
  expectShape("encodeThreshold", "threshold", threshold, ["f32"], [threshold.size === 1 ? 1 : encoder.shape[0]], `encoder is ${describe(encoder)}`);
  expectRoom("encodeThreshold", { x, encoder });
  const { rowStart, index, values } = encode({ x, encoder, bias, threshold }, {});
  return new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, values);
}
