import { type Provenance, type SentenceReport } from "./analysis.js";
import { type SparseRow } from "./statistics.js";

/** A token of a sentence, and the features [F] of its own activation. */
export interface TokenFeatures {
  id: number;
  /** as it stands in the sentence: all tokens joined are what was read of it. A character that several share stands in the last of them; the others are "" */
  text: string;
  features: SparseRow;
}

/** A sentence with all that a page shows of it. */
export interface SentenceDetail extends SentenceReport {
  /** f32[D], its tokens' activations as one vector; empty where it has no tokens */
  activation: Float32Array;
  /** the features [F] that the dictionary finds in that vector */
  features: SparseRow;
  /** [T] */
  perToken: readonly TokenFeatures[];
  /** of its own tokens alone, where that was measured; null for a transcoder, and without tokens */
  metrics?: ReadingMetrics | null;
}

/** How well a dictionary describes the activations of all tokens that were read. */
export interface ReadingMetrics {
  /** tokens that this is the mean over */
  tokens: number;
  /** active features a token */
  l0: number;
  frac_variance_explained: number;
  /** mean cosine between an activation and its reconstruction */
  cossim: number;
}

/** Sentences read with one dictionary at one site. */
export interface Reading extends Provenance {
  D: number;
  F: number;
  /** null for a transcoder, which does not give its input again */
  metrics: ReadingMetrics | null;
  sentences: readonly SentenceDetail[];
}
