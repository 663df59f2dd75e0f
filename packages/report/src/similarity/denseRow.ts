import { type SparseRow } from "../statistics.js";

/** A vector as a row of all its entries. */
export function denseRow(values: ArrayLike<number>): SparseRow {
  return { index: Uint32Array.from(values, (_, i) => i), values };
}
