import { defineComposite } from "../defineOp.js";
import { KernelError } from "../error.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { byFeature } from "./byFeature.js";
import { add, mul } from "./elementwise.js";
import { encoderSlopes, expectEncoder, expectRoom, type EncoderInputs, type Entries } from "./encoder.js";
import { jumpAt, jumpCounts, jumpSlopes } from "./jumpRelu.js";
import { overFeatures } from "./overFeatures.js";
import { sumTo } from "./sums.js";
import { activeEntries } from "./activeEntries.js";
import { scale } from "./unary.js";

type Outputs = Entries<Float32Array, Uint32Array> & { preActivations: Float32Array };

const encode = defineComposite<EncoderInputs<Float32Array> & { threshold: Float32Array }, Outputs, { bandwidth: number }>({
  name: "encodeJumpRelu",
  forward({ threshold, ...inputs }, { bandwidth }) {
    const { rowStart, index, values: preActivations } = activeEntries(inputs, { threshold, margin: bandwidth / 2 });
    return { rowStart, index, preActivations, values: jumpAt(index, preActivations, threshold) };
  },
  saves: ["x", "encoder", "threshold", "rowStart", "index", "preActivations"],
  vjp({ inputs: { x, encoder, threshold }, outputs: { rowStart, index, preActivations }, cotangents, params, needs }) {
    const slopes = jumpSlopes({ index, pre: preActivations, threshold, slopes: cotangents.values }, params);
    const sums = overFeatures({ shape: [x.shape[0], threshold.size], rowStart, index });
    return {
      ...encoderSlopes({ x, encoder }, { rowStart, index }, add(slopes.pre, cotangents.preActivations), needs, sums),
      threshold: needs.threshold && sums.totals(slopes.threshold),
    };
  },
});

const meanL0 = defineComposite<{ rowStart: Uint32Array; index: Uint32Array; preActivations: Float32Array; threshold: Float32Array }, { l0: Float32Array; near: Float32Array }, { bandwidth: number }>({
  name: "jumpReluL0",
  forward({ rowStart, index, preActivations, threshold }, { bandwidth }) {
    const B = rowStart.size - 1;
    const { active, near } = jumpCounts(byFeature(rowStart, index, { F: threshold.size }), preActivations, threshold, { B, bandwidth });
    return { l0: sumTo(active, [1], 1 / B), near };
  },
  saves: ["rowStart", "near"],
  vjp({ inputs: { rowStart, preActivations }, outputs: { near }, cotangents, params: { bandwidth }, needs }) {
    // a step has no slope in the features
    return { threshold: needs.threshold && mul(near, scale(cotangents.l0, -1 / (bandwidth * (rowStart.size - 1)))), preActivations: needs.preActivations && near.device.zeros(preActivations.shape) };
  },
});

/** Features of a JumpReLU dictionary with what their gradients stand on. */
export interface JumpFeatures {
  /** Entries that are on, and those of value 0 whose pre-activation is less than half the bandwidth below the threshold. */
  readonly features: SparseFeatures;
  /** f32[capacity]: x encoderᵀ + bias of each entry */
  readonly preActivations: Tensor;
}

/**
 * Features of a JumpReLU dictionary in training: h where h > threshold, else 0, for h = x encoderᵀ + bias. There is no relu: a
 * negative threshold lets negative features through. The gradient of the threshold is estimated from the entries within
 * half the bandwidth of it; so entries just below are there too, with value 0.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @param threshold f32[F]
 * @param options.bandwidth > 0, ε of the paper
 * @throws KernelError UNSUPPORTED when B*F entries do not fit the largest binding
 * @see Rajamanoharan et al. 2024, "Jumping ahead", §3
 */
export function encodeJumpRelu(x: Tensor, encoder: Tensor, bias: Tensor, threshold: Tensor, { bandwidth }: { bandwidth: number }): JumpFeatures {
  expectEncoder("encodeJumpRelu", { x, encoder, bias });
  expectShape("encodeJumpRelu", "threshold", threshold, ["f32"], [encoder.shape[0]], `encoder is ${describe(encoder)}`);
  expectBandwidth("encodeJumpRelu", bandwidth);
  expectRoom("encodeJumpRelu", { x, encoder });
  const { rowStart, index, values, preActivations } = encode({ x, encoder, bias, threshold }, { bandwidth });
  return { features: new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, values), preActivations };
}

/**
 * How many features are above their threshold, the mean over the rows; its gradient in the threshold is estimated, in the
 * features it is 0. As in the original, the step is taken of the features, not of the pre-activations: with a negative
 * threshold a feature that is off, at 0, is above it.
 * @param threshold f32[F], as given to `encodeJumpRelu`
 * @returns f32[1]
 */
export function jumpReluL0({ features: { rowStart, index }, preActivations }: JumpFeatures, threshold: Tensor, { bandwidth }: { bandwidth: number }): Tensor {
  expectBandwidth("jumpReluL0", bandwidth);
  return meanL0({ rowStart, index, preActivations, threshold }, { bandwidth }).l0;
}

function expectBandwidth(op: string, bandwidth: number): void {
  if (!(bandwidth > 0)) throw new KernelError("USAGE", `${op}: expected bandwidth > 0, got ${bandwidth}`);
}
