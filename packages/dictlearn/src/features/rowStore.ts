/**
 * Token rows by their number in the corpus. Those that no example stands in any more are dropped now and then, so that no
 * more than twice what is needed is held.
 */
export class RowStore {
  #numbers: number[] = []; // ascending
  #rows: Uint32Array[] = [];
  #held = 0; // tokens
  #limit = 2 ** 20;

  add(number: number, tokens: Uint32Array): void {
    this.#numbers.push(number);
    this.#rows.push(tokens.slice());
    this.#held += tokens.length;
  }

  /** @throws Error for a row that was dropped */
  tokens(number: number): Uint32Array {
    let [low, high] = [0, this.#numbers.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#numbers[middle] < number) low = middle + 1;
      else high = middle;
    }
    if (this.#numbers[low] !== number) throw new Error(`rowStore: expected row ${number} to be kept, got none`);
    return this.#rows[low];
  }

  /** @param needed the numbers of the rows that are needed; asked only when there may be much to drop */
  dropWhereLarge(needed: () => Set<number>): void {
    if (this.#held <= this.#limit) return;
    this.drop(needed());
    this.#limit = Math.max(2 ** 20, 2 * this.#held);
  }

  drop(needed: Set<number>): void {
    const kept = [...this.#numbers.keys()].filter((i) => needed.has(this.#numbers[i]));
    this.#numbers = kept.map((i) => this.#numbers[i]);
    this.#rows = kept.map((i) => this.#rows[i]);
    this.#held = this.#rows.reduce((sum, row) => sum + row.length, 0);
  }

  /** All rows end to end, as they are saved: numbers [R], start [R+1], tokens [N]. */
  state(): { numbers: Uint32Array; start: Uint32Array; tokens: Uint32Array } {
    const start = new Uint32Array(this.#rows.length + 1);
    this.#rows.forEach((row, i) => (start[i + 1] = start[i] + row.length));
    const tokens = new Uint32Array(this.#held);
    this.#rows.forEach((row, i) => tokens.set(row, start[i]));
    return { numbers: Uint32Array.from(this.#numbers), start, tokens };
  }

  static of({ numbers, start, tokens }: { numbers: Uint32Array; start: Uint32Array; tokens: Uint32Array }): RowStore {
    const store = new RowStore();
    numbers.forEach((number, i) => store.add(number, tokens.subarray(start[i], start[i + 1])));
    return store;
  }
}
