import { type Basis } from "./basis.js";

/** What the page of sentences holds for its script. Arrays are base64 of their bytes. */
export interface SentencesData {
  F: number;
  /** how many tokens of each sentence are shown */
  tokens: readonly number[];
  /** u32[T] how many features are active on each token */
  l0: string;
  /** what is kept of the tokens' features: see keptActivations */
  features: readonly number[];
  counts: readonly number[];
  /** u16[N] */
  places: string;
  /** f32[N] */
  values: string;
  /** the feature that colours tokens first; none where nothing is active */
  chosen: number | null;
  /** how many sentences the matrices have */
  rows: number;
  /** f32[R,R] */
  cosines: Readonly<Record<"original" | Basis, string>>;
  /** sentences by similarity, [R] */
  sentenceOrders: Readonly<Record<"original" | Basis, readonly number[]>>;
  /** columns of the heat map by similarity, by their place in it */
  featureOrders: Readonly<Record<Basis, readonly number[]>>;
}
