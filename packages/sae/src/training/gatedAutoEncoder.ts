import { decodeSparse, encodeGated, sub, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { savedGatedAutoEncoder } from "../dictionaries/gatedAutoEncoder.js";
import { type Setting } from "../trainer.js";
import { randomDirections } from "./initial.js";
import { upload, type Parameters } from "./parameters.js";
import { rngOf } from "./random.js";

export type GatedParameters = Parameters<"decoderBias" | "encoder" | "magnitudeLog" | "gateBias" | "magnitudeBias" | "decoder">;

/** A GatedAutoEncoder to train, as dictionary_learning starts it: decoder rows of norm 1 in random directions, the encoder the same, all else 0. */
export function startGatedAutoEncoder(trainer: string, F: number, setting: Setting): GatedParameters {
  const { D } = setting;
  const random = () => {
    const decoder = randomDirections(F, D, 1, rngOf(setting, "init"));
    const zeros = new Float32Array(F);
    return { decoder, encoder: decoder, magnitudeLog: zeros, gateBias: zeros, magnitudeBias: zeros, decoderBias: new Float32Array(D) };
  };
  return upload(trainer, setting, savedGatedAutoEncoder, ["decoderBias", "encoder", "magnitudeLog", "gateBias", "magnitudeBias", "decoder"], F, random);
}

/**
 * f = 1[π + gateBias > 0] relu(exp(magnitudeLog) π + magnitudeBias) with π = (x - decoderBias) encoderᵀ,
 * x̂ = f decoder + decoderBias; the gates are relu(π + gateBias).
 * @param x f32[B,D]
 */
export function gatedEncode(p: GatedParameters, x: Tensor): { features: SparseFeatures; gates: SparseFeatures; xHat: Tensor } {
  const { features, gates } = encodeGated(sub(x, p.decoderBias), p.encoder, p.gateBias, p.magnitudeBias, p.magnitudeLog);
  return { features, gates, xHat: decodeSparse(features, p.decoder, p.decoderBias) };
}
