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
  if (n === 0) return [];
  let top: FeatureWeight[] = [];
  let least = -Infinity; // once there are n, what is not stronger need not be looked at
  for (let k = 0; k < index.length; k++) {
    if (values[k] === 0 || values[k] <= least) continue;
    top.push({ feature: index[k], weight: values[k] });
    if (top.length < 2 * n) continue;
    top = top.sort(strongestFirst).slice(0, n);
    least = top[n - 1].weight;
  }
  return top.sort(strongestFirst).slice(0, n);
}

const strongestFirst = (a: FeatureWeight, b: FeatureWeight) => b.weight - a.weight || a.feature - b.feature;
