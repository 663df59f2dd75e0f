/** Where the features of a dictionary were looked at. */
export interface FeatureSet {
  model: string;
  dictionary: string;
  site: string;
  texts: string;
  /** Features. */
  F: number;
  /** Width of the site's activations. */
  D: number;
  /** Tokens that were read, those of `skipFirst` left out, and the rows that they stand in. */
  tokens: number;
  rows: number;
  contextLength: number;
  skipFirst: number;
  /** What the promoted tokens follow from, in a sentence; undefined where the site has no direct way to the logits. */
  lens?: string;
}

/** What is known of a feature. Tokens are ids of the model's vocabulary. */
export interface FeatureDetail {
  index: number;
  /** Tokens that it was active on. */
  count: number;
  /** The largest activation, and the mean over the tokens that it was active on; 0 where it never was. */
  max: number;
  mean: number;
  /** How often it was how active: bins of one width from 0 on, up to the largest activation. What is below 0 is in the first. */
  histogram: { width: number; counts: readonly number[] };
  /** The rows in which it is most active, one example each, strongest first. */
  examples: readonly FeatureExample[];
  /** Rows drawn at random from all in which it is active, but those above, strongest first. */
  samples: readonly FeatureExample[];
  /** Tokens whose logits it raises and lowers most, by the direct way; strongest first. */
  promoted: readonly TokenWeight[];
  suppressed: readonly TokenWeight[];
  /** Features whose decoder rows point the same way, nearest first. */
  nearest: readonly { index: number; cosine: number }[];
}

export interface TokenWeight {
  token: number;
  weight: number;
}

/** A piece of a row of the corpus, around the token on which the feature is most active there. */
export interface FeatureExample {
  /** Which row of the corpus, and which of its tokens the peak is. */
  row: number;
  position: number;
  tokens: readonly number[]; // [W]
  values: readonly number[]; // [W], the feature's activations, 0 where it is not active
  /** Which of `tokens` the peak is. */
  peak: number;
  ablation?: Ablation;
}

/** What the model predicts behind the peak once the feature is taken out of the row. */
export interface Ablation {
  /** The true next token's loss in nats, with the feature taken out less as it was; undefined at the end of a row. */
  lossChange?: number;
  /** Tokens whose probability falls and rises most, the largest change first. */
  falls: readonly ProbabilityChange[];
  rises: readonly ProbabilityChange[];
}

export interface ProbabilityChange {
  token: number;
  /** Probabilities. */
  before: number;
  after: number;
}
