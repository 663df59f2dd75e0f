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

/** A sentence as one of several readings has it. */
export interface SweepRow extends SentenceReport {
  site: string;
  /** as the person named it */
  dictionary: string;
}

/** What `formatJson` writes. */
export interface Analysis extends Provenance {
  sentences: SentenceReport[];
}

/** Sentences as formatters take them: all at hand, or one by one as they are computed; of several readings each with its site and dictionary. */
export type Sentences = Iterable<SentenceReport | SweepRow> | AsyncIterable<SentenceReport | SweepRow>;

/** The site and the dictionary of a row, where it is one of several readings. */
export function placeOf(row: SentenceReport | SweepRow | undefined): { site: string; dictionary: string } | undefined {
  return row && "site" in row ? { site: row.site, dictionary: row.dictionary } : undefined;
}

/** What is written of a row, whatever else it holds. */
export function written(row: SentenceReport | SweepRow): SentenceReport | SweepRow {
  const { sentence, tokens, original, sparse, top } = row;
  return { ...placeOf(row), sentence, tokens, original, sparse, top };
}
