import { type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { type SavedClass, type Variants } from "../formats/savedClass.js";
import { shiftedEncoderBias } from "../shift.js";
import { aboveThreshold, savedAutoEncoderTopK, wrongK, type TopKWeights } from "./autoEncoderTopK.js";

/**
 * f = y · 1[y > threshold] with y = relu((x - decoderBias) · encoderᵀ + encoderBias), x̂ = f · decoder + decoderBias. Its k,
 * the features a row on average, counts in training only, where the k·B largest of a batch of B rows are kept.
 * @see Bussmann et al. 2024, "BatchTopK Sparse Autoencoders"
 */
export function batchTopKSae(device: Device, weights: TopKWeights, variants: Pick<Variants, "applyDecoderBiasToInput"> = {}): Dictionary {
  return aboveThreshold(device, "BatchTopKSAE", weights, variants);
}

/** dictionary_learning's `BatchTopKSAE`: its tensors are those of AutoEncoderTopK, only config.json tells them apart. */
export const savedBatchTopK: SavedClass<TopKWeights> = {
  name: "BatchTopKSAE",
  tensors: savedAutoEncoderTopK.tensors,
  wrong: wrongK,
  variants: ["applyDecoderBiasToInput"],
  centred: true,
  shifted: shiftedEncoderBias,
  open: batchTopKSae,
};
