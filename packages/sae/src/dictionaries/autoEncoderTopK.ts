import { encodeThreshold, encodeTopK, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass, type Variants } from "../formats/savedClass.js";
import { type Matrix } from "../matrix.js";
import { onDevice } from "../onDevice.js";
import { shiftedEncoderBias } from "../shift.js";

export interface TopKWeights {
  decoderBias: Float32Array; // f32[D], also taken from x
  /** Features a row. */
  k: number;
  /** Encoding by threshold keeps the features > it; negative as long as none was measured, and then it keeps every one > 0. */
  threshold: number;
  decoder: Matrix; //           f32[F,D]
  encoder: Matrix; //           f32[F,D]
  encoderBias: Float32Array; // f32[F]
}

/**
 * f = the k largest of each row of relu((x - decoderBias) · encoderᵀ + encoderBias), x̂ = f · decoder + decoderBias.
 * @param variants.useThreshold keep the features > threshold instead
 * @see Gao et al. 2024, "Scaling and evaluating sparse autoencoders", §2.3
 */
export function autoEncoderTopK(device: Device, weights: TopKWeights, { useThreshold = false, applyDecoderBiasToInput: centred = true }: Pick<Variants, "useThreshold" | "applyDecoderBiasToInput"> = {}): Dictionary {
  const { encoderBias, k } = weights;
  if (useThreshold) return aboveThreshold(device, "AutoEncoderTopK", weights, { applyDecoderBiasToInput: centred });
  return onDevice(device, "AutoEncoderTopK", weights, { encoderBias }, { centred }, (x, w) => encodeTopK(x, w.encoder, w.encoderBias, { k }));
}

/** f = y · 1[y > threshold] with y = relu((x - decoderBias) · encoderᵀ + encoderBias), x̂ = f · decoder + decoderBias. */
export function aboveThreshold(device: Device, kind: string, weights: TopKWeights, { applyDecoderBiasToInput: centred = true }: Pick<Variants, "applyDecoderBiasToInput"> = {}): Dictionary {
  const { encoderBias } = weights;
  const threshold = Float32Array.of(weights.threshold);
  return onDevice(device, kind, weights, { encoderBias, threshold }, { centred, apart: true }, (x, w) => encodeThreshold(x, w.encoder, w.encoderBias, w.threshold));
}

/** dictionary_learning's `AutoEncoderTopK`. */
export const savedAutoEncoderTopK: SavedClass<TopKWeights> = {
  name: "AutoEncoderTopK",
  tensors: {
    decoderBias: { name: "b_dec", shape: ["D"], scaled: true },
    k: { name: "k", shape: [], dtype: "i32" },
    threshold: { name: "threshold", shape: [], scaled: "unless negative" },
    decoder: { name: "decoder.weight", shape: ["D", "F"] },
    encoder: { name: "encoder.weight", shape: ["F", "D"], transposed: true },
    encoderBias: { name: "encoder.bias", shape: ["F"], scaled: true },
  },
  wrong: wrongK,
  variants: ["useThreshold", "applyDecoderBiasToInput"],
  centred: true,
  shifted: shiftedEncoderBias,
  open: autoEncoderTopK,
};

/** What is said where a format keeps the k largest and has no place for the threshold. */
export const withoutThreshold = "the threshold is left out: the k largest count";

/** `k from 1 to 40, got 0` */
export function wrongK({ k, encoderBias: { length: F } }: Pick<TopKWeights, "k" | "encoderBias">): string | undefined {
  return k >= 1 && k <= F ? undefined : `k from 1 to ${F}, got ${k}`;
}
