import { defineComposite } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { sub } from "./elementwise.js";
import { encoderSlopes, expectEncoder, expectRoom, type EncoderInputs, type Entries } from "./encoder.js";
import { activeEntries } from "./activeEntries.js";

const encode = defineComposite<EncoderInputs<Float32Array> & { centre?: Float32Array }, Entries<Float32Array, Uint32Array>>({
  name: "encodeRelu",
  forward: ({ x, centre, ...rest }) => activeEntries({ x: centre ? sub(x, centre) : x, ...rest }),
  saves: ["x", "encoder", "centre", "rowStart", "index"],
  // every entry is positive, where the slope of relu is 1
  vjp: ({ inputs, outputs, cotangents, needs }) => encoderSlopes(inputs, outputs, cotangents.values, needs),
});

/**
 * Features of a ReLU dictionary: relu((x - centre) encoderᵀ + bias), of which the entries > 0 are kept. A NaN is kept as a value.
 * [B,F] is never whole in memory. On cpu the result takes what its entries need; on webgpu, where their number is not
 * known without waiting, `index` and `values` have room for B*F: encode tiles of rows where that is too much.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @param options.centre f32[D], or none. As encodeRelu(sub(x, centre), ...), but its gradient costs no matrix product
 * @returns sparse features [B,F]
 * @throws KernelError UNSUPPORTED when B*F entries do not fit the largest binding; ShapeError `encodeRelu: expected encoder f32[F,512], got f32[512,4096] (x is f32[8,512])`
 */
export function encodeRelu(x: Tensor, encoder: Tensor, bias: Tensor, { centre }: { centre?: Tensor } = {}): SparseFeatures {
  expectEncoder("encodeRelu", { x, encoder, bias });
  if (centre) expectShape("encodeRelu", "centre", centre, ["f32"], [x.shape[1]], `x is ${describe(x)}`);
  expectRoom("encodeRelu", { x, encoder });
  const { rowStart, index, values } = encode({ x, encoder, bias, centre }, {});
  return new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, values);
}
