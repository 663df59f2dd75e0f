import { type SparseRow } from "../statistics.js";

/**
 * The cosine of every two rows, summed in float64.
 * @param rows of one width, [N]
 * @returns [N][N], symmetric; NaN for a row of zeros, which has no direction
 */
export function cosines(rows: readonly SparseRow[]): number[][] {
  const all: number[][] = rows.map(() => []);
  rows.forEach((row, i) => {
    const at = new Map<number, number>();
    for (let k = 0; k < row.index.length; k++) at.set(row.index[k], row.values[k]);
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let k = 0; k < rows[j].index.length; k++) dot += rows[j].values[k] * (at.get(rows[j].index[k]) ?? 0);
      all[i][j] = dot;
    }
  });
  const norms = all.map((row, i) => Math.sqrt(row[i]));
  return all.map((_, i) => all.map((_, j) => Math.max(-1, Math.min(1, all[Math.max(i, j)][Math.min(i, j)] / (norms[i] * norms[j])))));
}

/** A vector as a row of all its entries. */
export function denseRow(values: ArrayLike<number>): SparseRow {
  return { index: Array.from(values, (_, i) => i), values };
}
