import { type SparseRow } from "../../statistics.js";
import { topFeatures } from "../../topFeatures.js";

/** What a page keeps of the features of tokens: some features, each with all its activations. */
export interface KeptActivations {
  /** ascending, [K] */
  features: number[];
  /** tokens that each is active on, [K] */
  counts: number[];
  /** u16[N] the tokens, by their place among all: those of the first feature, then those of the second … */
  places: Uint16Array;
  /** f32[N] the activations there */
  values: Float32Array;
  /** how many features are active on some token, kept or not */
  active: number;
}

/** Features that are not among so many of any token are as good as each other. */
const ranks = 20;

/**
 * Features come in the order of the best rank that they have on a token, of equal ones the stronger; as many are kept as fit.
 * @param tokens fewer than 65,536
 * @param options.first features that come before all others
 * @param options.most activations that may be kept
 */
export function keptActivations(tokens: readonly SparseRow[], { first, most }: { first: Iterable<number>; most: number }): KeptActivations {
  const about = new Map<number, { feature: number; count: number; largest: number; rank: number }>();
  for (const row of tokens) {
    for (let k = 0; k < row.index.length; k++) {
      if (row.values[k] === 0) continue;
      let one = about.get(row.index[k]);
      if (!one) about.set(row.index[k], (one = { feature: row.index[k], count: 0, largest: 0, rank: ranks }));
      one.count++;
      one.largest = Math.max(one.largest, Math.abs(row.values[k]));
    }
    topFeatures(row, ranks).forEach(({ feature }, rank) => (about.get(feature)!.rank = Math.min(about.get(feature)!.rank, rank)));
  }
  for (const feature of first) if (about.has(feature)) about.get(feature)!.rank = -1;

  const kept: { feature: number; count: number }[] = [];
  let total = 0;
  for (const one of [...about.values()].sort((a, b) => a.rank - b.rank || b.largest - a.largest || a.feature - b.feature)) {
    if (total + one.count > most) break;
    total += one.count;
    kept.push(one);
  }
  kept.sort((a, b) => a.feature - b.feature);

  const next = new Map<number, number>();
  let start = 0;
  for (const { feature, count } of kept) {
    next.set(feature, start);
    start += count;
  }
  const places = new Uint16Array(total);
  const values = new Float32Array(total);
  tokens.forEach((row, token) => {
    for (let k = 0; k < row.index.length; k++) {
      const at = row.values[k] === 0 ? undefined : next.get(row.index[k]);
      if (at === undefined) continue;
      places[at] = token;
      values[at] = row.values[k];
      next.set(row.index[k], at + 1);
    }
  });
  return { features: kept.map(({ feature }) => feature), counts: kept.map(({ count }) => count), places, values, active: about.size };
}
