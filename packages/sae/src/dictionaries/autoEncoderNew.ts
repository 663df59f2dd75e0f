import { encodeRelu, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass } from "../formats/savedClass.js";
import { type Matrix } from "../matrix.js";
import { onDevice } from "../onDevice.js";
import { shiftedEncoderBias } from "../shift.js";

export interface AutoEncoderNewWeights {
  encoder: Matrix; //           f32[F,D]
  encoderBias: Float32Array; // f32[F]
  decoder: Matrix; //           f32[F,D]
  decoderBias: Float32Array; // f32[D]
}

/**
 * f = relu(x · encoderᵀ + encoderBias), x̂ = f · decoder + decoderBias; nothing is subtracted from x.
 * @see Conerly et al. 2024, "Update on how we train SAEs"
 */
export function autoEncoderNew(device: Device, weights: AutoEncoderNewWeights): Dictionary {
  const { encoderBias } = weights;
  return onDevice(device, "AutoEncoderNew", weights, { encoderBias }, { centred: false, apart: true }, (x, w) => encodeRelu(x, w.encoder, w.encoderBias));
}

/**
 * dictionary_learning's `AutoEncoderNew`. Its decoder is never normalised. Its `forward(output_features=True)` multiplies
 * the features by the decoder's norms; its `encode`, followed here, does not. It has no scale_biases; the rule below is
 * the one that makes it exact: f(c·x) = c·f(x) when both biases are multiplied by c.
 */
export const savedAutoEncoderNew: SavedClass<AutoEncoderNewWeights> = {
  name: "AutoEncoderNew",
  tensors: {
    encoder: { name: "encoder.weight", shape: ["F", "D"], transposed: true },
    encoderBias: { name: "encoder.bias", shape: ["F"], scaled: true },
    decoder: { name: "decoder.weight", shape: ["D", "F"] },
    decoderBias: { name: "decoder.bias", shape: ["D"], scaled: true },
  },
  centred: false,
  shifted: shiftedEncoderBias,
  open: autoEncoderNew,
};
