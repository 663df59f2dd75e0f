import { bases, type Basis } from "../../page/basis.js";
import { type Reading, type SentenceDetail, type TokenFeatures } from "../../reading.js";
import { cosines, denseRow } from "../../similarity/cosines.js";
import { similarityOrder } from "../../similarity/similarityOrder.js";
import { type SparseRow } from "../../statistics.js";
import { type KeptActivations, keptActivations } from "./keptActivations.js";
import { strongestOnTokens, strongestOver } from "./strongest.js";

/** How much a page shows, so that it opens at once and stays under 3 MB. What is left out is said in the page. */
export const limits = {
  /** sentences, of the distributions all */
  sentences: 300,
  /** tokens of all sentences together */
  tokens: 30_000,
  /** activations of tokens */
  activations: 220_000,
  /** sentences of the heat map and of the matrices */
  rows: 100,
  /** features of the heat map */
  columns: 48,
  /** features of a sentence */
  strongest: 10,
};

export interface ShownSentence extends SentenceDetail {
  /** The features that it is said to have. */
  rows: Readonly<Record<Basis, SparseRow>>;
  /** The tokens that are shown. */
  shown: readonly TokenFeatures[];
}

/** A reading as its page shows it. */
export interface Fold {
  reading: Reading;
  sentences: readonly ShownSentence[];
  /** What is shown first: features of the vectors, unless most of those have none. */
  basis: Basis;
  kept: KeptActivations;
  /** The columns of the heat map. */
  columns: Readonly<Record<Basis, readonly number[]>>;
  /** [R][R] */
  cosines: Readonly<Record<"original" | Basis, number[][]>>;
  /** [R] */
  sentenceOrders: Readonly<Record<"original" | Basis, number[]>>;
  featureOrders: Readonly<Record<Basis, number[]>>;
}

export function fold(reading: Reading): Fold {
  const some = reading.sentences.slice(0, limits.sentences);
  const longest = longestThatFits(some.map(({ perToken }) => perToken.length), limits.tokens);
  const sentences = some.map((sentence): ShownSentence => ({ ...sentence, rows: { vector: sentence.features, tokens: strongestOnTokens(sentence.perToken) }, shown: sentence.perToken.slice(0, longest) }));

  const compared = sentences.slice(0, limits.rows);
  const columns = byBasis((basis) => strongestOver(compared.map(({ rows }) => rows[basis]), limits.columns));
  const first = bases.flatMap((basis) => [...columns[basis], ...sentences.flatMap(({ rows }) => strongestOver([rows[basis]], limits.strongest))]);
  const similarities = { original: cosines(compared.map(({ activation }) => denseRow(activation))), ...byBasis((basis) => cosines(compared.map(({ rows }) => rows[basis]))) };
  const withFeatures = sentences.filter(({ sparse }) => sparse.l0).length;
  return {
    reading,
    sentences,
    basis: 2 * withFeatures >= sentences.length ? "vector" : "tokens",
    kept: keptActivations(sentences.flatMap(({ shown }) => shown.map(({ features }) => features)), { first, most: limits.activations }),
    columns,
    cosines: similarities,
    sentenceOrders: { original: similarityOrder(similarities.original), vector: similarityOrder(similarities.vector), tokens: similarityOrder(similarities.tokens) },
    featureOrders: byBasis((basis) => similarityOrder(cosines(columns[basis].map((feature) => columnOf(compared.map(({ rows }) => rows[basis]), feature))))),
  };
}

/** The largest length so that texts cut to it have no more than `most` tokens together. */
export function longestThatFits(lengths: readonly number[], most: number): number {
  let left = most;
  const ascending = [...lengths].sort((a, b) => a - b);
  for (const [i, length] of ascending.entries()) {
    const share = Math.floor(left / (ascending.length - i));
    if (length > share) return share;
    left -= length;
  }
  return Infinity;
}

/** A feature over sentences, as a row of those. */
function columnOf(rows: readonly SparseRow[], feature: number): SparseRow {
  return denseRow(rows.map((row) => valueIn(row, feature)));
}

/** @returns 0 where the row has no such feature */
export function valueIn({ index, values }: SparseRow, feature: number): number {
  for (let k = 0; k < index.length; k++) if (index[k] === feature) return values[k];
  return 0;
}

export const byBasis = <T>(of: (basis: Basis) => T): Record<Basis, T> => ({ vector: of("vector"), tokens: of("tokens") });
