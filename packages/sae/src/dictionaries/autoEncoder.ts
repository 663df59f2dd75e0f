import { decodeSparse, encodeRelu, sub, type Device } from "@dictlearn/kernels";
import { Decoder } from "../decoder.js";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass } from "../formats/dictionary-learning.js";
import { normalize } from "../normalize.js";

export interface AutoEncoderWeights {
  D: number;
  F: number;
  bias: Float32Array; //          f32[D]
  encoderWeight: Float32Array; // f32[F,D]
  encoderBias: Float32Array; //   f32[F]
  decoderWeight: Float32Array; // f32[D,F]
  /** f32[F]; the decoder's columns are divided by it. */
  decoderNorms?: Float32Array;
}

/**
 * f = relu((x - bias) · encoderᵀ + encoderBias), x̂ = f · decoderᵀ + bias.
 * @see Bricken et al. 2023, "Towards Monosemanticity"
 */
export function autoEncoder(device: Device, { D, F, ...weights }: AutoEncoderWeights): Dictionary {
  const bias = device.keep(device.tensor(weights.bias, [D]));
  const encoder = device.keep(device.tensor(weights.encoderWeight, [F, D]));
  const encoderBias = device.keep(device.tensor(weights.encoderBias, [F]));
  const decoder = new Decoder(device, D, F, weights.decoderWeight, weights.decoderNorms);

  return {
    kind: "AutoEncoder",
    device,
    D,
    F,
    encode: (x) => device.scope(() => encodeRelu(sub(x, bias), encoder, encoderBias)),
    decode: (f) => decodeSparse(f, decoder.rows, bias),
    dispose() {
      for (const weight of [bias, encoder, encoderBias, decoder]) weight.dispose();
    },
  };
}

/** dictionary_learning's `AutoEncoder`; its from_pretrained makes the decoder's columns unit vectors unless told not to. */
export const savedAutoEncoder: SavedClass = {
  name: "AutoEncoder",
  tensors: { bias: ["D"], "encoder.bias": ["F"], "encoder.weight": ["F", "D"], "decoder.weight": ["D", "F"] },
  async open({ device, subject, normalizeDecoder, D, F, read }) {
    const [decoderWeight, encoderWeight, bias, encoderBias] = await Promise.all(["decoder.weight", "encoder.weight", "bias", "encoder.bias"].map(read));
    const weights = { D, F, bias, encoderWeight, encoderBias, decoderWeight };
    return autoEncoder(device, normalizeDecoder ? normalize(weights, subject) : weights);
  },
};
