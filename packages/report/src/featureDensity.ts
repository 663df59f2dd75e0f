/** How many features are active how often: a histogram over the logarithm of the share of tokens. */
export interface FeatureDensity {
  /** Tokens that were looked at: no density below 1 / tokens can be seen. */
  tokens: number;
  /** Features that were active on none of them; they are in no bin. */
  silent: number;
  /** Lower edges of the bins, each a quarter wide, without gaps up to 0; the last takes density 1 too. */
  log10: number[];
  /** Features of each bin. */
  features: number[];
}

/** @param counts tokens that each feature was active on, [F] */
export function featureDensity(counts: ArrayLike<number>, tokens: number): FeatureDensity {
  const bins = new Map<number, number>();
  let silent = 0;
  for (let feature = 0; feature < counts.length; feature++) {
    if (counts[feature] === 0) {
      silent++;
      continue;
    }
    const bin = Math.min(-1, Math.floor(4 * Math.log10(counts[feature] / tokens)));
    bins.set(bin, (bins.get(bin) ?? 0) + 1);
  }
  const lowest = Math.min(0, ...bins.keys());
  const all = Array.from({ length: -lowest }, (_, i) => lowest + i);
  return { tokens, silent, log10: all.map((bin) => bin / 4), features: all.map((bin) => bins.get(bin) ?? 0) };
}
