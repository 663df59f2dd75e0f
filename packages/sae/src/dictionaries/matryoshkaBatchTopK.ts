import { encodeThreshold, SparseFeatures, type Device } from "@dictlearn/kernels";
import { type Dictionary } from "../dictionary.js";
import { DictionaryError } from "../error.js";
import { type SavedClass, type Variants } from "../formats/savedClass.js";
import { rowsOf } from "../matrix.js";
import { onDevice } from "../onDevice.js";
import { shiftedEncoderBias } from "../shift.js";
import { wrongK, type TopKWeights } from "./autoEncoderTopK.js";

export interface MatryoshkaWeights extends TopKWeights {
  /** [G]: how many features each group has; the first features are the first group's. */
  groupSizes: readonly number[];
}

/**
 * f = y · 1[y > threshold] with y = relu((x - decoderBias) · encoderᵀ + encoderBias), x̂ = f · decoder + decoderBias.
 * Training makes the features of the first groups alone a dictionary too.
 * @param variants.activeGroups how many groups are used, from 1; the features of the others are 0
 * @throws DictionaryError USAGE `MatryoshkaBatchTopKSAE: expected activeGroups from 1 to 3, got 4`
 * @see Bussmann et al. 2025, "Learning Multi-Level Features with Matryoshka Sparse Autoencoders"
 */
export function matryoshkaBatchTopK(device: Device, weights: MatryoshkaWeights, { activeGroups = weights.groupSizes.length, applyDecoderBiasToInput: centred = true }: Pick<Variants, "activeGroups" | "applyDecoderBiasToInput"> = {}): Dictionary {
  const { groupSizes, decoderBias, encoderBias, threshold } = weights;
  const G = groupSizes.length;
  if (!(Number.isInteger(activeGroups) && activeGroups >= 1 && activeGroups <= G))
    throw new DictionaryError("USAGE", `MatryoshkaBatchTopKSAE: expected activeGroups from 1 to ${G}, got ${activeGroups}`);
  const used = groupSizes.slice(0, activeGroups).reduce((sum, size) => sum + size, 0); // features
  const F = encoderBias.length;
  return onDevice(
    device,
    "MatryoshkaBatchTopKSAE",
    { ...weights, encoder: rowsOf(weights.encoder).subarray(0, used * decoderBias.length) },
    { encoderBias: encoderBias.subarray(0, used), threshold: Float32Array.of(threshold) },
    { centred, used },
    (x, w) => {
      const { shape, rowStart, index, values } = encodeThreshold(x, w.encoder, w.encoderBias, w.threshold); // [B,used]
      return new SparseFeatures([shape[0], F], rowStart, index, values);
    },
  );
}

/** dictionary_learning's `MatryoshkaBatchTopKSAE`. */
export const savedMatryoshkaBatchTopK: SavedClass<MatryoshkaWeights> = {
  name: "MatryoshkaBatchTopKSAE",
  tensors: {
    encoder: { name: "W_enc", shape: ["D", "F"], transposed: true },
    encoderBias: { name: "b_enc", shape: ["F"], scaled: true },
    decoder: { name: "W_dec", shape: ["F", "D"] },
    decoderBias: { name: "b_dec", shape: ["D"], scaled: true },
    k: { name: "k", shape: [], dtype: "i32" },
    threshold: { name: "threshold", shape: [], scaled: "unless negative" },
    groupSizes: { name: "group_sizes", shape: ["G"], dtype: "i64" },
  },
  wrong(weights) {
    const { groupSizes, encoderBias } = weights;
    const sum = groupSizes.reduce((total, size) => total + size, 0);
    if (!groupSizes.every((size) => size > 0) || sum !== encoderBias.length)
      return `group_sizes > 0 that add up to ${encoderBias.length}, got ${groupSizes.slice(0, 8).join(" + ")}${groupSizes.length > 8 ? " + …" : ""} = ${sum}`;
    return wrongK(weights);
  },
  variants: ["activeGroups", "applyDecoderBiasToInput"],
  centred: true,
  shifted: shiftedEncoderBias,
  open: matryoshkaBatchTopK,
};
