import { type SparseStatistics, type Statistics } from "./statistics.js";
import { type FeatureWeight } from "./topFeatures.js";

/** Where the numbers of an analysis come from: names as the person gave them. */
export interface Provenance {
  model: string;
  dictionary: string;
  /** `layers.3.mlp_out` */
  site: string;
  /** how the activations of a sentence became one vector: `mean` */
  pooling: string;
  device: string;
}

/** One sentence: its activation vector [D] and the features [F] that the dictionary finds in it. */
export interface SentenceReport {
  sentence: string;
  tokens: number;
  original: Statistics;
  sparse: SparseStatistics;
  /** the strongest features, strongest first; empty where nobody asked for them */
  top: readonly FeatureWeight[];
}

/** What `formatJson` writes. */
export interface Analysis extends Provenance {
  sentences: SentenceReport[];
}

/** Sentences as formatters take them: all at hand, or one by one as they are computed. */
export type Sentences = Iterable<SentenceReport> | AsyncIterable<SentenceReport>;
