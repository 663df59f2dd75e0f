import { decodeSparse, encodeRelu, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { savedAutoEncoder } from "../dictionaries/autoEncoder.js";
import { type Setting } from "../trainer.js";
import { randomDirections, randomUniform } from "./initial.js";
import { upload, type Parameters } from "./parameters.js";
import { rngOf } from "./random.js";

export type AutoEncoderParameters = Parameters<"decoderBias" | "encoder" | "encoderBias" | "decoder">;

/**
 * An AutoEncoder to train, as dictionary_learning starts it: decoder rows of norm 0.1 in random directions, the encoder the
 * same, encoder biases even from -1/√D to 1/√D (PyTorch's default for a linear layer), decoder bias 0.
 */
export function startAutoEncoder(trainer: string, F: number, setting: Setting): AutoEncoderParameters {
  const { D } = setting;
  const rng = rngOf(setting, "init");
  const random = () => {
    const decoder = randomDirections(F, D, 0.1, rng);
    return { decoder, encoder: decoder, encoderBias: randomUniform(F, 1 / Math.sqrt(D), rng), decoderBias: new Float32Array(D) };
  };
  return upload(trainer, setting, savedAutoEncoder, ["decoderBias", "encoder", "encoderBias", "decoder"], F, random);
}

/** f = relu((x - decoderBias) encoderᵀ + encoderBias), x̂ = f decoder + decoderBias. @param x f32[B,D] */
export function autoEncode(p: AutoEncoderParameters, x: Tensor): { features: SparseFeatures; xHat: Tensor } {
  const features = encodeRelu(x, p.encoder, p.encoderBias, { centre: p.decoderBias }); // [B,F]
  return { features, xHat: decodeSparse(features, p.decoder, p.decoderBias) }; // [B,D]
}
