import { atLeast, embedding, sum, type Tensor } from "@dictlearn/kernels";

/** How many features a mask names, without waiting for the device. @param mask u32[F], 1 or 0 @returns f32[1] */
export const countOf = (mask: Tensor): Tensor => sum(embedding(mask.device.tensor(Float32Array.of(0, 1), [2, 1]), mask));

/**
 * How many features are dead by the log of a trainer that has no threshold of its own: silent for a tenth of the run, or for
 * 10,000,000 tokens where that is less. Training does not depend on it.
 * @param stepsSinceActive u32[F]: batches in a row without the feature, this one included
 * @param run.B rows of a batch
 * @returns f32[1]
 */
export const countSilent = (stepsSinceActive: Tensor, { steps, B }: { steps: number; B: number }): Tensor =>
  countOf(atLeast(stepsSinceActive, { least: Math.max(1, Math.floor(Math.min(steps / 10, 1e7 / B))) }));
