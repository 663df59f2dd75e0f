import { byFeature, type FeatureOrder } from "./ops/byFeature.js";
import { sliceRows } from "./ops/copyRows.js";
import type { Tensor } from "./tensor.js";

/**
 * Features [B,F] of which few a row are active. Row b has entries rowStart[b] to rowStart[b+1]; indices ascend in a row.
 * `index` and `values` may be longer than the entries: what lies past rowStart[B] is undefined.
 */
export class SparseFeatures {
  constructor(
    readonly shape: readonly [B: number, F: number],
    /** u32[B+1] */
    readonly rowStart: Tensor,
    /** u32[capacity] */
    readonly index: Tensor,
    /** f32[capacity] */
    readonly values: Tensor,
  ) {}

  /** The entries on the host, cut to nnz = rowStart[B]. */
  async read(): Promise<{ rowStart: Uint32Array; index: Uint32Array; values: Float32Array }> {
    const rowStart = (await this.rowStart.read()) as Uint32Array;
    const entries = { start: 0, end: rowStart[this.shape[0]] };
    const cut = (tensor: Tensor) => {
      using column = tensor.reshape([tensor.size, 1]);
      return sliceRows(column, entries);
    };
    using index = cut(this.index);
    using values = cut(this.values);
    return { rowStart, index: (await index.read()) as Uint32Array, values: (await values.read()) as Float32Array };
  }

  /** The entries in the order of their features, for sums over a feature's rows. */
  byFeature(): FeatureOrder {
    return byFeature(this.rowStart, this.index, { F: this.shape[1] });
  }

  dispose(): void {
    this.rowStart.dispose();
    this.index.dispose();
    this.values.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
