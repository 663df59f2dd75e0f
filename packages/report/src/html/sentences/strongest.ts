import { type SparseRow } from "../../statistics.js";

/** For every feature that is active on some of the tokens, its largest activation there (of either sign). */
export function strongestOnTokens(tokens: readonly { readonly features: SparseRow }[]): SparseRow {
  const largest = new Map<number, number>();
  for (const { features: { index, values } } of tokens)
    for (let k = 0; k < index.length; k++) if (Math.abs(values[k]) > Math.abs(largest.get(index[k]) ?? 0)) largest.set(index[k], values[k]);
  const index = [...largest.keys()].sort((a, b) => a - b);
  return { index, values: index.map((feature) => largest.get(feature)!) };
}

/** The n features that are strongest over all rows, by the sum of what they are there; ties go to the lower feature. */
export function strongestOver(rows: readonly SparseRow[], n: number): number[] {
  const total = new Map<number, number>();
  for (const { index, values } of rows) for (let k = 0; k < index.length; k++) if (values[k] !== 0) total.set(index[k], (total.get(index[k]) ?? 0) + Math.abs(values[k]));
  return [...total].sort(([f, a], [g, b]) => b - a || f - g).slice(0, n).map(([feature]) => feature);
}
