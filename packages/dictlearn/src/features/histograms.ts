/** Bins of a histogram: at the end half of them are in use, or more. */
const bins = 64;
/** Exponents are of f32 values, and start below all. */
const unset = -32768;

/**
 * A histogram of positive numbers for each feature, in bins of one width from 0 on. The width is the least power of two
 * with which the largest number so far has a bin; where one is past the end, neighbouring bins are merged. So the result
 * is the same whatever order the numbers come in, and their range need not be known before.
 */
export class Histograms {
  /** u32[F,64] */
  readonly counts: Uint32Array;
  /** i32[F], the width's exponent */
  readonly exponents: Int32Array;

  /** What F of them take. */
  static bytes(F: number): number {
    return 4 * F * (bins + 1);
  }

  constructor(F: number, state: { counts: Uint32Array; exponents: Int32Array } = { counts: new Uint32Array(bins * F), exponents: new Int32Array(F).fill(unset) }) {
    this.counts = state.counts;
    this.exponents = state.exponents;
  }

  /** @param value > 0, or below, which counts in the first bin */
  add(feature: number, value: number): void {
    const { counts, exponents } = this;
    if (value >= 2 ** (exponents[feature] + 6)) this.#widen(feature, Math.floor(Math.log2(value)) - 5);
    counts[bins * feature + Math.max(0, Math.floor(value / 2 ** exponents[feature]))]++;
  }

  /** Up to the last bin that holds anything. */
  of(feature: number): { width: number; counts: number[] } {
    const all = this.counts.subarray(bins * feature, bins * (feature + 1));
    let end = bins;
    while (end > 0 && all[end - 1] === 0) end--;
    return { width: end === 0 || this.exponents[feature] === unset ? 0 : 2 ** this.exponents[feature], counts: Array.from(all.subarray(0, end)) };
  }

  /** Each bin goes into the one that its lower edge falls in. */
  #widen(feature: number, exponent: number): void {
    const all = this.counts.subarray(bins * feature, bins * (feature + 1));
    const times = 2 ** Math.min(exponent - this.exponents[feature], 6);
    for (let bin = 1; bin < bins; bin++) {
      const n = all[bin];
      all[bin] = 0;
      all[Math.floor(bin / times)] += n;
    }
    this.exponents[feature] = exponent;
  }
}
