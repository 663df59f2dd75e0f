import { type SparseRow } from "../../statistics.js";

/** How alike vectors are: the mean cosine over all pairs of those that are not 0, and how many these are; null where they make no pair. */
export interface MeanCosine {
  mean: number | null;
  vectors: number;
}

/**
 * Of unit vectors u the sum over all pairs is (|Σu|² - n) / 2, so no pair is looked at.
 * @param rows sparse vectors; dense ones have every index
 */
export function meanCosine(rows: Iterable<SparseRow>): MeanCosine {
  const sum = new Map<number, number>();
  let n = 0;
  for (const { index, values } of rows) {
    let squares = 0;
    for (let i = 0; i < values.length; i++) squares += values[i] ** 2;
    if (!(squares > 0)) continue;
    n++;
    const length = Math.sqrt(squares);
    for (let i = 0; i < values.length; i++) sum.set(index[i], (sum.get(index[i]) ?? 0) + values[i] / length);
  }
  let squares = 0;
  for (const value of sum.values()) squares += value ** 2;
  return { mean: n < 2 ? null : (squares - n) / (n * (n - 1)), vectors: n };
}

/** @param values f32[D] */
export function denseRow(values: Float32Array): SparseRow {
  return { index: Uint32Array.from(values, (_, i) => i), values };
}
