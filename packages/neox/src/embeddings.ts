import { embedding, freeBuffer, type Device, type Tensor } from "@dictlearn/kernels";

/** Ids of tokens without repetition, ascending, and which of them each token has. */
export function distinct(tokens: Uint32Array): { ids: Uint32Array; place: Uint32Array } {
  const ids = Uint32Array.from(new Set(tokens)).sort();
  const places = new Map(Array.from(ids, (id, i) => [id, i]));
  return { ids, place: tokens.map((id) => places.get(id)!) };
}

/** Rows of the table as they lie in the checkpoint, checked: f32[n,D], or f16[n,D] as their bits. */
export type Rows = Float32Array | Uint16Array;

/** Rows of an embedding table that stays in its file, by token id: at most `capacity`. */
export class EmbeddingRows {
  /** [capacity,D]; the first rows give its type. */
  #table: Rows | undefined;
  /** Which row of it a token has. */
  readonly #place = new Map<number, number>();
  #free: number[] = [];

  constructor(
    readonly device: Device,
    readonly width: number,
    readonly capacity: number,
  ) {}

  /** How many more have room. */
  get room(): number {
    return this.capacity - this.#place.size;
  }

  /** Ascending; those of `tokens` that are not here yet. */
  missing(tokens: Uint32Array): Uint32Array {
    return distinct(tokens).ids.filter((id) => !this.#place.has(id));
  }

  /** @param rows of `ids`, that are missing and have room; copied */
  add(ids: Uint32Array, rows: Rows): void {
    const { width: D, capacity } = this;
    if (!this.#table) {
      this.#table = rows instanceof Float32Array ? new Float32Array(capacity * D) : new Uint16Array(capacity * D);
      this.#free = Array.from({ length: capacity }, (_, i) => capacity - 1 - i);
    }
    for (const [i, id] of ids.entries()) {
      const place = this.#free.pop()!;
      this.#table.set(rows.subarray(i * D, (i + 1) * D), place * D);
      this.#place.set(id, place);
    }
  }

  /** f32[N,D], of tokens whose rows are all here. */
  embed(tokens: Uint32Array): Tensor {
    const { device, width: D } = this;
    const { ids, place } = distinct(tokens);
    const all = this.#table!;
    const table = all instanceof Float32Array ? new Float32Array(ids.length * D) : new Uint16Array(ids.length * D);
    for (const [i, id] of ids.entries()) {
      const at = this.#place.get(id)! * D;
      table.set(all.subarray(at, at + D), i * D);
    }
    const embedded = device.scope(() => embedding(device.tensor(table, [ids.length, D]), device.tensor(place, [place.length])));
    freeBuffer(table.buffer); // else a pass leaves a MiB of garbage
    return embedded;
  }

  /** Drops all but those of `tokens`. */
  keep(tokens: Uint32Array): void {
    const kept = new Set(tokens);
    for (const [id, place] of this.#place) {
      if (kept.has(id)) continue;
      this.#place.delete(id);
      this.#free.push(place);
    }
  }

  clear(): void {
    this.#table = undefined;
    this.#place.clear();
  }
}
