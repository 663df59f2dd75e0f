import { encodeGated, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass, type Variants } from "../formats/savedClass.js";
import { type Matrix } from "../matrix.js";
import { onDevice } from "../onDevice.js";

export interface GatedWeights {
  decoderBias: Float32Array; //   f32[D], also taken from x
  magnitudeLog: Float32Array; //  f32[F], r of the paper: the magnitude's encoder is eʳ times the gate's
  gateBias: Float32Array; //      f32[F]
  magnitudeBias: Float32Array; // f32[F]
  encoder: Matrix; //             f32[F,D]
  decoder: Matrix; //             f32[F,D]
}

/**
 * f = 1[h + gateBias > 0] · relu(exp(magnitudeLog) h + magnitudeBias) with h = (x - decoderBias) · encoderᵀ,
 * x̂ = f · decoder + decoderBias.
 * @see Rajamanoharan et al. 2024, "Improving Dictionary Learning with Gated Sparse Autoencoders"
 */
export function gatedAutoEncoder(device: Device, weights: GatedWeights, { applyDecoderBiasToInput: centred = true }: Pick<Variants, "applyDecoderBiasToInput"> = {}): Dictionary {
  const { magnitudeLog, gateBias, magnitudeBias } = weights;
  return onDevice(device, "GatedAutoEncoder", weights, { magnitudeLog, gateBias, magnitudeBias }, { centred, apart: true }, (x, w) =>
    encodeGated(x, w.encoder, w.gateBias, w.magnitudeBias, w.magnitudeLog).features,
  );
}

/**
 * dictionary_learning's `GatedAutoEncoder`. Its from_pretrained leaves the decoder's norms as they are; its encode and
 * decode can multiply and divide by them (`normalize_decoder`), which nothing there asks for.
 */
export const savedGatedAutoEncoder: SavedClass<GatedWeights> = {
  name: "GatedAutoEncoder",
  tensors: {
    decoderBias: { name: "decoder_bias", shape: ["D"], scaled: true },
    magnitudeLog: { name: "r_mag", shape: ["F"] },
    gateBias: { name: "gate_bias", shape: ["F"], scaled: true },
    magnitudeBias: { name: "mag_bias", shape: ["F"], scaled: true },
    encoder: { name: "encoder.weight", shape: ["F", "D"], transposed: true },
    decoder: { name: "decoder.weight", shape: ["D", "F"] },
  },
  variants: ["applyDecoderBiasToInput"],
  centred: true,
  shifted: ({ gateBias, magnitudeBias, ...rest }, by) => ({
    ...rest,
    gateBias: gateBias.map((bias, f) => bias + by[f]),
    magnitudeBias: magnitudeBias.map((bias, f) => bias + Math.exp(rest.magnitudeLog[f]) * by[f]),
  }),
  open: gatedAutoEncoder,
};
