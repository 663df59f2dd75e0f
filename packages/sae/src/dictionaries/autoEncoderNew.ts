import { decodeSparse, encodeRelu, type Device } from "@dictlearn/kernels";
import { Decoder } from "../decoder.js";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass } from "../formats/dictionary-learning.js";

export interface AutoEncoderNewWeights {
  D: number;
  F: number;
  encoderWeight: Float32Array; // f32[F,D]
  encoderBias: Float32Array; //   f32[F]
  decoderWeight: Float32Array; // f32[D,F]
  decoderBias: Float32Array; //   f32[D]
}

/**
 * f = relu(x · encoderᵀ + encoderBias), x̂ = f · decoderᵀ + decoderBias; nothing is subtracted from x.
 * @see Conerly et al. 2024, "Update on how we train SAEs"
 */
export function autoEncoderNew(device: Device, { D, F, ...weights }: AutoEncoderNewWeights): Dictionary {
  const encoder = device.keep(device.tensor(weights.encoderWeight, [F, D]));
  const encoderBias = device.keep(device.tensor(weights.encoderBias, [F]));
  const decoderBias = device.keep(device.tensor(weights.decoderBias, [D]));
  const decoder = new Decoder(device, D, F, weights.decoderWeight);

  return {
    kind: "AutoEncoderNew",
    device,
    D,
    F,
    encode: (x) => encodeRelu(x, encoder, encoderBias),
    decode: (f) => decodeSparse(f, decoder.rows, decoderBias),
    dispose() {
      for (const weight of [encoder, encoderBias, decoderBias, decoder]) weight.dispose();
    },
  };
}

/**
 * dictionary_learning's `AutoEncoderNew`. Its decoder is never normalised. Its `forward(output_features=True)` multiplies
 * the features by the decoder's norms; its `encode`, followed here, does not.
 */
export const savedAutoEncoderNew: SavedClass = {
  name: "AutoEncoderNew",
  tensors: { "decoder.bias": ["D"], "encoder.bias": ["F"], "encoder.weight": ["F", "D"], "decoder.weight": ["D", "F"] },
  async open({ device, D, F, read }) {
    return autoEncoderNew(device, {
      D,
      F,
      encoderWeight: await read("encoder.weight"),
      encoderBias: await read("encoder.bias"),
      decoderWeight: await read("decoder.weight"),
      decoderBias: await read("decoder.bias"),
    });
  },
};
