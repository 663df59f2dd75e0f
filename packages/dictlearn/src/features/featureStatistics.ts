import { DictlearnError } from "../error.js";
import { BestExamples, type ExampleArrays } from "./bestExamples.js";
import { Histograms } from "./histograms.js";
import { RowStore } from "./rowStore.js";

export interface StatisticsOptions {
  /** K, examples of a feature: the rows in which it is most active. */
  examples: number;
  /** Rows at random beside them. */
  samples: number;
  /** W, tokens of an example. */
  window: number;
  /** Leaves out the first positions of each row. */
  skipFirst: number;
}

/** All of it as arrays by name: what is saved. */
export type StatisticsState = Readonly<Record<string, Uint32Array | Int32Array | Float32Array | Float64Array>>;

const listArrays = ["used", "keys", "rows", "positions", "values"] as const;

/**
 * What one pass over a corpus keeps of each feature: on how many tokens it is active, how strongly, and examples. Memory
 * depends on the options and not on the length of the corpus, but for the token rows that examples stand in.
 */
export class FeatureStatistics {
  /** Tokens that each feature is active on, [F]. */
  readonly counts: Uint32Array;
  readonly sums: Float64Array;
  readonly maxima: Float32Array;
  readonly histograms: Histograms;
  readonly best: BestExamples;
  readonly drawn: BestExamples;
  readonly store: RowStore;
  /** Tokens that were counted, rows that were read. */
  tokens = 0;
  rows = 0;
  readonly #newest: Int32Array; // [F], the last entry of a feature in the row at hand, -1 where there is none

  /** What is kept at the most, in bytes. @param corpus tokens that will be read */
  static bytes(F: number, { examples, samples, window }: StatisticsOptions, { tokens, contextLength }: { tokens: number; contextLength: number }): number {
    const rows = Math.min(tokens, F * (examples + samples) * contextLength);
    return 20 * F + Histograms.bytes(F) + BestExamples.bytes(F, examples, window) + BestExamples.bytes(F, samples, window) + 8 * rows;
  }

  constructor(
    readonly F: number,
    readonly options: StatisticsOptions,
    state?: StatisticsState,
  ) {
    const { examples, samples, window } = options;
    const list = (name: string) => state && (Object.fromEntries(listArrays.map((array) => [array, state[`${name}.${array}`]])) as unknown as ExampleArrays);
    this.counts = (state?.counts as Uint32Array) ?? new Uint32Array(F);
    this.sums = (state?.sums as Float64Array) ?? new Float64Array(F);
    this.maxima = (state?.maxima as Float32Array) ?? new Float32Array(F);
    this.histograms = new Histograms(F, state && { counts: state.histograms as Uint32Array, exponents: state.exponents as Int32Array });
    this.best = new BestExamples(F, examples, window, list("best"));
    this.drawn = new BestExamples(F, samples, window, list("drawn"));
    this.store = state ? RowStore.of({ numbers: state["store.numbers"] as Uint32Array, start: state["store.start"] as Uint32Array, tokens: state["store.tokens"] as Uint32Array }) : new RowStore();
    if (state) [this.tokens, this.rows] = state.seen as Float64Array;
    this.#newest = new Int32Array(F).fill(-1);
  }

  /**
   * Adds the next row of the corpus.
   * @param tokens u32[n]
   * @param features of its tokens, as `SparseFeatures.read` gives them, from token `first` on
   * @throws DictlearnError FORMAT for a feature that is not finite
   */
  add(tokens: Uint32Array, { rowStart, index, values }: { rowStart: Uint32Array; index: Uint32Array; values: Float32Array }, first = 0): void {
    const { skipFirst } = this.options;
    const newest = this.#newest;
    const n = tokens.length;
    const from = rowStart[first];
    const end = rowStart[first + n];
    const before = new Int32Array(end - from); // the entry of the same feature before this one
    const positions = new Uint32Array(end - from);
    const found: number[] = []; // features, as they turn up
    for (let t = skipFirst; t < n; t++) {
      for (let i = rowStart[first + t]; i < rowStart[first + t + 1]; i++) {
        const [f, value] = [index[i], values[i]];
        if (value === 0) continue;
        if (!Number.isFinite(value)) throw new DictlearnError("FORMAT", `features: expected finite activations, got ${value} for feature ${f}`, "the weights of the model or of the dictionary may be damaged");
        this.counts[f]++;
        this.sums[f] += value;
        this.histograms.add(f, value);
        if (newest[f] < 0) found.push(f);
        positions[i - from] = t;
        before[i - from] = newest[f];
        newest[f] = i - from;
      }
    }
    for (const f of found) {
      const entries = (each: (position: number, value: number) => void) => {
        for (let i = newest[f]; i >= 0; i = before[i]) each(positions[i], values[from + i]);
      };
      let [peak, position] = [-Infinity, 0];
      entries((at, value) => {
        if (value >= peak) [peak, position] = [value, at]; // they come last to first: of equals the first stays
      });
      this.maxima[f] = Math.max(this.maxima[f], peak);
      const candidate = { row: this.rows, length: n, position, entries };
      this.best.offer(f, peak, candidate);
      this.drawn.offer(f, priority(f, this.rows), candidate);
      newest[f] = -1;
    }
    this.store.add(this.rows, tokens);
    this.rows++;
    this.tokens += Math.max(0, n - skipFirst);
    this.store.dropWhereLarge(() => this.#needed());
  }

  state(): StatisticsState {
    this.store.drop(this.#needed());
    const { numbers, start, tokens } = this.store.state();
    const list = (name: "best" | "drawn") => Object.fromEntries(listArrays.map((array) => [`${name}.${array}`, this[name].arrays[array]]));
    return {
      seen: Float64Array.of(this.tokens, this.rows),
      counts: this.counts, sums: this.sums, maxima: this.maxima,
      histograms: this.histograms.counts, exponents: this.histograms.exponents,
      ...list("best"), ...list("drawn"),
      "store.numbers": numbers, "store.start": start, "store.tokens": tokens,
    };
  }

  #needed(): Set<number> {
    const needed = new Set<number>();
    this.best.addRowsTo(needed);
    this.drawn.addRowsTo(needed);
    return needed;
  }
}

/**
 * A random number for a feature in a row, the same in every pass: the rows with the largest are a uniform sample.
 * @see the finaliser of MurmurHash3, by Austin Appleby (public domain)
 */
export function priority(feature: number, row: number): number {
  let h = (Math.imul(feature, 0x9e3779b1) ^ row) >>> 0;
  for (let round = 0; round < 2; round++) {
    h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
    h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
    h = (h ^ (h >>> 16)) + 0x9e3779b9;
  }
  return h >>> 0;
}
