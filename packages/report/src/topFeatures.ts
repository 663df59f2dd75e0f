import { type SparseRow } from "./statistics.js";

/** A feature of the dictionary and how strongly it is active. */
export interface FeatureWeight {
  feature: number;
  weight: number;
}

/**
 * The n strongest active features of a row, strongest first; ties go to the lower feature.
 * @returns fewer than n where fewer are active: a feature at 0 is not
 */
export function topFeatures({ index, values }: SparseRow, n: number): FeatureWeight[] {
  return Array.from(index, (feature, i) => ({ feature, weight: values[i] }))
    .filter(({ weight }) => weight !== 0)
    .sort((a, b) => b.weight - a.weight || a.feature - b.feature)
    .slice(0, n);
}
