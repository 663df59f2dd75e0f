import { countNonzero, firedFeatures, mean, sumPowers, trackFiredInto, type SparseFeatures, type Tensor } from "@dictlearn/kernels";

/** ⟨|f|₁⟩ of features that are none negative. @returns f32[1] */
export const meanL1 = (features: SparseFeatures): Tensor => mean(sumPowers(features, { p: 1 }));

/** How many features are not 0, the mean over the rows. @returns f32[1] */
export const meanL0 = (features: SparseFeatures): Tensor => mean(countNonzero(features));

/** How long each feature has been silent, by the batch, whose rows may come in parts: `passed` once, then `seen` for each part. */
export const silence = {
  /** @param counters u32[F], changed in place @param n what has passed: 1 batch, or its tokens */
  passed: (counters: Tensor, n: number): void => trackFiredInto(counters, counters.device.zeros(counters.shape, "u32"), { n }),
  /** @param counters u32[F], changed in place: 0 for features that a row has > 0 */
  seen: (counters: Tensor, features: SparseFeatures): void => trackFiredInto(counters, firedFeatures(features, { positive: true }), { n: 0 }),
};
