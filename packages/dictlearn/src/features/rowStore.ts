/** Fewer tokens than this are never looked through. */
const few = 2 ** 20;

/**
 * Token rows by their number in the corpus, end to end. Those that no example stands in any more are dropped now and then,
 * so that no more than twice what is needed is held.
 */
export class RowStore {
  #numbers = new Uint32Array(64); // [R], ascending
  #ends = new Uint32Array(64); //    [R]
  #tokens = new Uint32Array(4096); // [N]
  #rows = 0;
  #limit = few;

  add(number: number, tokens: ArrayLike<number>): void {
    const start = this.#end(this.#rows);
    const end = start + tokens.length;
    if (this.#rows === this.#ends.length) [this.#numbers, this.#ends] = [grown(this.#numbers, this.#rows + 1), grown(this.#ends, this.#rows + 1)];
    if (end > this.#tokens.length) this.#tokens = grown(this.#tokens, end);
    this.#tokens.set(tokens, start);
    [this.#numbers[this.#rows], this.#ends[this.#rows]] = [number, end];
    this.#rows++;
  }

  /** The tokens of a row. They are here until the next row is added. @throws Error for one that was dropped */
  tokens(number: number): Uint32Array {
    let [low, high] = [0, this.#rows];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#numbers[middle] < number) low = middle + 1;
      else high = middle;
    }
    if (low === this.#rows || this.#numbers[low] !== number) throw new Error(`rowStore: expected row ${number} to be kept, got none`);
    return this.#tokens.subarray(this.#end(low), this.#ends[low]);
  }

  /** @param needed the numbers of the rows that are needed; asked only when there may be much to drop */
  dropWhereLarge(needed: () => Set<number>): void {
    if (this.#end(this.#rows) <= this.#limit) return;
    this.drop(needed());
    this.#limit = Math.max(few, 2 * this.#end(this.#rows));
  }

  drop(needed: Set<number>): void {
    let [rows, end] = [0, 0];
    for (let r = 0, from = 0; r < this.#rows; r++) {
      const to = this.#ends[r];
      if (needed.has(this.#numbers[r])) {
        this.#tokens.copyWithin(end, from, to);
        end += to - from;
        [this.#numbers[rows], this.#ends[rows]] = [this.#numbers[r], end];
        rows++;
      }
      from = to;
    }
    this.#rows = rows;
  }

  /** As it is saved: numbers [R], start [R+1], tokens [N]. */
  state(): { numbers: Uint32Array; start: Uint32Array; tokens: Uint32Array } {
    const start = new Uint32Array(this.#rows + 1);
    start.set(this.#ends.subarray(0, this.#rows), 1);
    return { numbers: this.#numbers.slice(0, this.#rows), start, tokens: this.#tokens.slice(0, start[this.#rows]) };
  }

  static of({ numbers, start, tokens }: { numbers: Uint32Array; start: Uint32Array; tokens: Uint32Array }): RowStore {
    const store = new RowStore();
    numbers.forEach((number, i) => store.add(number, tokens.subarray(start[i], start[i + 1])));
    return store;
  }

  /** Where the r-th row starts. */
  #end(r: number): number {
    return r === 0 ? 0 : this.#ends[r - 1];
  }
}

/** With room for n and more. */
function grown(array: Uint32Array<ArrayBuffer>, n: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(Math.max(n, Math.ceil(1.5 * array.length)));
  larger.set(array);
  return larger;
}
