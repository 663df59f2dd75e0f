import { encodeThreshold, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass, type Variants } from "../formats/savedClass.js";
import { type Matrix } from "../matrix.js";
import { onDevice } from "../onDevice.js";
import { shiftedEncoderBias } from "../shift.js";

export interface JumpReluWeights {
  encoder: Matrix; //           f32[F,D]
  encoderBias: Float32Array; // f32[F]
  decoder: Matrix; //           f32[F,D]
  decoderBias: Float32Array; // f32[D]
  threshold: Float32Array; //   f32[F]
}

/**
 * f = relu(h · 1[h > threshold]) with h = x · encoderᵀ + encoderBias, x̂ = f · decoder + decoderBias; nothing is subtracted
 * from x. With a threshold below 0 a feature is a plain ReLU.
 * @param variants.applyDecoderBiasToInput take decoderBias from x first, as SAELens' dictionaries may want
 * @see Rajamanoharan et al. 2024, "Jumping Ahead: Improving Reconstruction Fidelity with JumpReLU Sparse Autoencoders"
 */
export function jumpReluAutoEncoder(device: Device, weights: JumpReluWeights, { applyDecoderBiasToInput: centred = false }: Pick<Variants, "applyDecoderBiasToInput"> = {}): Dictionary {
  const { encoderBias, threshold } = weights;
  return onDevice(device, "JumpReluAutoEncoder", weights, { encoderBias, threshold }, { centred, apart: true }, (x, w) => encodeThreshold(x, w.encoder, w.encoderBias, w.threshold));
}

/** dictionary_learning's `JumpReluAutoEncoder`. */
export const savedJumpReluAutoEncoder: SavedClass<JumpReluWeights> = {
  name: "JumpReluAutoEncoder",
  tensors: {
    encoder: { name: "W_enc", shape: ["D", "F"], transposed: true },
    encoderBias: { name: "b_enc", shape: ["F"], scaled: true },
    decoder: { name: "W_dec", shape: ["F", "D"] },
    decoderBias: { name: "b_dec", shape: ["D"], scaled: true },
    threshold: { name: "threshold", shape: ["F"], scaled: true },
  },
  variants: ["applyDecoderBiasToInput"],
  centred: false,
  shifted: shiftedEncoderBias,
  open: jumpReluAutoEncoder,
};
