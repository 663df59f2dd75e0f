import { DictionaryError } from "./error.js";

/**
 * f32[F,D], one row a feature, as every op wants it; or the same still held by columns, or in its file.
 * Encoders and decoders come so; `rowsOf` gives the rows of either.
 */
export type Matrix = Float32Array | Columns | Unread;

/** f32[F,D] held as f32[D,F], as some files have it; turned only when its rows are asked for. */
export class Columns {
  /**
   * @param data f32[D,F]: one column a feature; kept, not changed
   * @param norms f32[F] that the columns are divided by
   * @param factors f32[F] that the columns are multiplied by
   */
  constructor(
    readonly D: number,
    readonly F: number,
    readonly data: Float32Array,
    readonly norms?: Float32Array,
    readonly factors?: Float32Array,
  ) {}

  get length(): number {
    return this.data.length;
  }

  /** f32[F,D], a new array. */
  rows(): Float32Array {
    const { D, F, data, norms, factors } = this;
    const rows = transposed(data, D, F);
    if (norms) for (let f = 0; f < F; f++) for (let at = f * D; at < (f + 1) * D; at++) rows[at] /= norms[f];
    if (factors) scaleRows(rows, factors);
    return rows;
  }
}

/** A decoder that stayed in its file, since nothing will be decoded. */
export class Unread {
  /** @param norms f32[F] of its features, where they were asked for */
  constructor(
    readonly D: number,
    readonly F: number,
    readonly norms?: Float32Array,
  ) {}

  get length(): number {
    return this.D * this.F;
  }

  /** @throws DictionaryError USAGE */
  rows(): never {
    throw new DictionaryError("USAGE", "decoder: expected a dictionary that was opened with its decoder, got one with encodeOnly", "open it without encodeOnly");
  }
}

/** @returns f32[F,D] @throws DictionaryError USAGE where they were not read */
export const rowsOf = (matrix: Matrix): Float32Array => (matrix instanceof Float32Array ? matrix : matrix.rows());

/** Row f multiplied by factors[f], in place. @param rows f32[F,D] */
export function scaleRows(rows: Float32Array, factors: Float32Array): void {
  const D = rows.length / factors.length;
  for (let f = 0, at = 0; f < factors.length; f++) for (let d = 0; d < D; d++, at++) rows[at] *= factors[f];
}

/** How many columns are turned at a time: their rows stay in the cache until they are full. */
const block = 64;

/** @param matrix f32[R,C] @returns f32[C,R] */
export function transposed(matrix: Float32Array, R: number, C: number): Float32Array<ArrayBuffer> {
  const turned = new Float32Array(R * C);
  for (let from = 0; from < C; from += block) {
    const to = Math.min(C, from + block);
    for (let r = 0; r < R; r++) for (let c = from; c < to; c++) turned[c * R + r] = matrix[r * C + c];
  }
  return turned;
}
