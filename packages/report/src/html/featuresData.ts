/** What the script of the features' page gets: of all features a line, for the list; and of 256 at a time all that is known. */

/** Features of a file. */
export const featuresOfFile = 256;

/** `data/index.js` */
export interface IndexData {
  /** Tokens of the pass. */
  tokens: number;
  /** [F] */
  count: readonly number[];
  max: readonly number[];
  mean: readonly number[];
  /** [F] of token ids: up to three that its strongest examples peak on, up to ten that it promotes. */
  peaks: readonly (readonly number[])[];
  promotes: readonly (readonly number[])[];
}

/** `data/vocabulary.js`: the text of each token id. */
export type VocabularyData = readonly string[];

/** `data/N.js`: features 256 N and on. */
export type FileData = readonly FeatureData[];

export interface FeatureData {
  count: number;
  max: number;
  mean: number;
  /** Width of a bin, and what is in each. */
  width: number;
  bins: readonly number[];
  examples: readonly ExampleData[];
  samples: readonly ExampleData[];
  /** Token, weight, token, weight, … */
  promoted: readonly number[];
  suppressed: readonly number[];
  /** Feature, cosine, … */
  nearest: readonly number[];
}

export interface ExampleData {
  row: number;
  position: number;
  peak: number;
  /** Ids; where what a token stands for follows from its neighbours, its text. */
  tokens: readonly (number | string)[];
  /** Place in `tokens`, activation, … */
  values: readonly number[];
  /** The change of the loss, null at the end of a row; and of probabilities: token, before, after, … */
  ablation?: { loss: number | null; falls: readonly number[]; rises: readonly number[] };
}
