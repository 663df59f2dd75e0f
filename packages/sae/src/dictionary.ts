import { type Device, type SparseFeatures, type Tensor } from "@dictlearn/kernels";

/** A dictionary of F features for activations of width D, ready on its device. */
export interface Dictionary {
  /** The class's name: `AutoEncoder`. */
  readonly kind: string;
  readonly device: Device;
  readonly D: number;
  readonly F: number;
  /** @param x f32[B,D] @returns sparse features [B,F]; an entry may be 0 (top-k rows with fewer than k active, gated ones) */
  encode(x: Tensor): SparseFeatures;
  /** @param features [B,F] @returns f32[B,D] */
  decode(features: SparseFeatures): Tensor;
  /** Frees the weights. Twice is harmless. */
  dispose(): void;
}
