import { type RowStore } from "./rowStore.js";

/** The arrays of a list, as they are saved. */
export interface ExampleArrays {
  used: Uint32Array; //       [F]
  keys: Float64Array; //      [F,K]
  rows: Uint32Array; //       [F,K]
  positions: Uint32Array; //  [F,K]
  values: Float32Array; //    [F,K,W]
}

/** A row in which a feature is active: its number in the corpus and its length, the peak's place in it, and the feature's entries. */
export interface Candidate {
  row: number;
  length: number;
  position: number;
  /** Calls back for every token of the row on which the feature is active. */
  entries(each: (position: number, value: number) => void): void;
}

/** Where in a row of n tokens a window of at most W around a position starts: two thirds of it lie before. */
export function windowStart(position: number, n: number, W: number): number {
  return Math.max(0, Math.min(position - Math.floor((2 * W) / 3), n - W));
}

/**
 * For each feature the K rows with the largest keys, with the feature's activations around the peak. Rows come in their
 * order; of equal keys the earlier row stays.
 */
export class BestExamples {
  readonly arrays: ExampleArrays;
  readonly #worst: Uint32Array; // [F], the slot that goes next

  static bytes(F: number, K: number, W: number): number {
    return 8 * F + F * K * (16 + 4 * W);
  }

  constructor(
    readonly F: number,
    readonly K: number,
    readonly W: number,
    arrays?: ExampleArrays,
  ) {
    // Pages of a fresh array that nothing is written to take no memory: features that never fire cost little.
    this.arrays = arrays ?? { used: new Uint32Array(F), keys: new Float64Array(F * K), rows: new Uint32Array(F * K), positions: new Uint32Array(F * K), values: new Float32Array(F * K * W) };
    this.#worst = new Uint32Array(F);
    if (arrays) for (let f = 0; f < F; f++) this.#worst[f] = this.#findWorst(f);
  }

  offer(feature: number, key: number, { row, length, position, entries }: Candidate): void {
    const { K, W } = this;
    const { used, keys, rows, positions, values } = this.arrays;
    if (K === 0) return;
    const isFull = used[feature] === K;
    if (isFull && !(key > keys[K * feature + this.#worst[feature]])) return;
    const slot = K * feature + (isFull ? this.#worst[feature] : used[feature]++);
    [keys[slot], rows[slot], positions[slot]] = [key, row, position];
    const window = values.subarray(W * slot, W * (slot + 1)).fill(0);
    const start = windowStart(position, length, W);
    entries((at, value) => {
      if (at >= start && at < start + W) window[at - start] = value;
    });
    if (used[feature] === K) this.#worst[feature] = this.#findWorst(feature);
  }

  /** The slots of a feature, largest key first. */
  slots(feature: number): number[] {
    const { used, keys, rows } = this.arrays;
    const slots = Array.from({ length: used[feature] }, (_, i) => this.K * feature + i);
    return slots.sort((a, b) => keys[b] - keys[a] || rows[a] - rows[b]);
  }

  /** An example as it was, with the tokens around it. */
  read(slot: number, store: RowStore): { row: number; position: number; tokens: number[]; values: number[]; peak: number } {
    const { W } = this;
    const { rows, positions, values } = this.arrays;
    const tokens = store.tokens(rows[slot]);
    const start = windowStart(positions[slot], tokens.length, W);
    const n = Math.min(W, tokens.length);
    return { row: rows[slot], position: positions[slot], tokens: Array.from(tokens.subarray(start, start + n)), values: Array.from(values.subarray(W * slot, W * slot + n)), peak: positions[slot] - start };
  }

  /** Adds the numbers of all rows that are kept here. */
  addRowsTo(rows: Set<number>): void {
    for (let f = 0; f < this.F; f++) for (let i = 0; i < this.arrays.used[f]; i++) rows.add(this.arrays.rows[this.K * f + i]);
  }

  #findWorst(feature: number): number {
    const { keys, rows } = this.arrays;
    let worst = 0;
    for (let i = 1, first = this.K * feature; i < this.K; i++) {
      const [key, least] = [keys[first + i], keys[first + worst]];
      if (key < least || (key === least && rows[first + i] > rows[first + worst])) worst = i;
    }
    return worst;
  }
}
