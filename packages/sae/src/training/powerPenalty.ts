import { mean, pow, sumPowers, type SparseFeatures, type Tensor } from "@dictlearn/kernels";

/** `Lp`: ⟨(Σ fᵖ)^(1/p)⟩. `Lp^p`: ⟨Σ fᵖ⟩. */
export type SparsityFunction = "Lp" | "Lp^p";

/**
 * A mean over the rows of how large features are, by a power of theirs. At p = 0 every feature counts 1, on or off, as in
 * dictionary_learning: nothing is learnt from that.
 * @returns f32[1]
 */
export function powerPenalty(features: SparseFeatures, p: number, of: SparsityFunction): Tensor {
  if (p === 0) return features.values.device.tensor(Float32Array.of(features.shape[1]), [1]);
  const sums = sumPowers(features, { p }); // f32[B]
  return mean(of === "Lp" && p !== 1 ? pow(sums, 1 / p) : sums);
}
