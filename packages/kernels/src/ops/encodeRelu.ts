import { defineComposite } from "../defineOp.js";
import { SparseFeatures } from "../sparse.js";
import type { Tensor } from "../tensor.js";
import { encoderSlopes, expectEncoder, expectRoom, type EncoderInputs, type Entries } from "./encoder.js";
import { activeEntries } from "./activeEntries.js";

const encode = defineComposite<EncoderInputs<Float32Array>, Entries<Float32Array, Uint32Array>>({
  name: "encodeRelu",
  forward: (inputs) => activeEntries(inputs),
  saves: ["x", "encoder", "rowStart", "index"],
  // every entry is positive, where the slope of relu is 1
  vjp: ({ inputs, outputs, cotangents, needs }) => encoderSlopes(inputs, outputs, cotangents.values, needs),
});

/**
 * Features of a ReLU dictionary: relu(x encoderᵀ + bias), of which the entries > 0 are kept. A NaN is kept as a value.
 * [B,F] is never whole in memory. On cpu the result takes what its entries need; on webgpu, where their number is not
 * known without waiting, `index` and `values` have room for B*F: encode tiles of rows where that is too much.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @returns sparse features [B,F]
 * @throws KernelError UNSUPPORTED when B*F entries do not fit the largest binding; ShapeError `encodeRelu: expected encoder f32[F,512], got f32[512,4096] (x is f32[8,512])`
 */
export function encodeRelu(x: Tensor, encoder: Tensor, bias: Tensor): SparseFeatures {
  expectEncoder("encodeRelu", { x, encoder, bias });
  expectRoom("encodeRelu", { x, encoder });
  const { rowStart, index, values } = encode({ x, encoder, bias }, {});
  return new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, values);
}
