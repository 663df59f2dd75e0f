import { type Device, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { type Origin } from "./hostDictionary.js";

/**
 * A dictionary of F features for activations of width D, ready on its device. Most are autoencoders, whose `decode` gives
 * the activations again; a transcoder gives those of another site.
 */
export interface Dictionary {
  /** The class's name: `AutoEncoder`. */
  readonly kind: string;
  readonly device: Device;
  readonly D: number;
  readonly F: number;
  /** What a transcoder gives: activations of this width, of another site. An autoencoder has none. */
  readonly output?: { readonly D: number };
  /** Which activations it was trained on, as far as its file says it. */
  readonly origin?: Origin;
  /** @param x f32[B,D] @returns sparse features [B,F]; an entry may be 0 (top-k rows with fewer than k active, gated ones) */
  encode(x: Tensor): SparseFeatures;
  /**
   * @param features [B,F]
   * @param x f32[B,D], what they were encoded from. Needed where they don't say all of it: by a dictionary that normalises each
   *   row, and by a skip connection.
   * @returns f32[B,D]; of a transcoder f32[B,output.D]
   * @throws DictionaryError USAGE `JumpReluAutoEncoder: expected x beside the features (layer_norm), got features alone`
   */
  decode(features: SparseFeatures, x?: Tensor): Tensor;
  /** Frees the weights. Twice is harmless. @throws DictionaryError DISPOSED, from encode and decode after it */
  dispose(): void;
}
