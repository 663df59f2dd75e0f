import { embedding, type Device, type Tensor } from "@dictlearn/kernels";

/** Ids of tokens without repetition, ascending, and which of them each token has. */
export function distinct(tokens: Uint32Array): { ids: Uint32Array; place: Uint32Array } {
  const ids = Uint32Array.from(new Set(tokens)).sort();
  const places = new Map(Array.from(ids, (id, i) => [id, i]));
  return { ids, place: tokens.map((id) => places.get(id)!) };
}

/** A row of the table as it lies in the checkpoint, checked: f32[D], or f16[D] as its bits. */
export type Row = Float32Array | Uint16Array;

/** Rows of an embedding table that stays in its file, by token id. */
export class EmbeddingRows {
  readonly #rows = new Map<number, Row>();

  constructor(
    readonly device: Device,
    readonly width: number,
  ) {}

  get size(): number {
    return this.#rows.size;
  }

  /** Ascending; those of `tokens` that are not here yet. */
  missing(tokens: Uint32Array): Uint32Array {
    return distinct(tokens).ids.filter((id) => !this.#rows.has(id));
  }

  add(ids: Uint32Array, rows: Row): void {
    ids.forEach((id, i) => this.#rows.set(id, rows.subarray(i * this.width, (i + 1) * this.width)));
  }

  /** f32[N,D], of tokens whose rows are all here. */
  embed(tokens: Uint32Array): Tensor {
    const { device, width: D } = this;
    const { ids, place } = distinct(tokens);
    const first = this.#rows.get(ids[0])!;
    const table = first instanceof Float32Array ? new Float32Array(ids.length * D) : new Uint16Array(ids.length * D);
    ids.forEach((id, i) => table.set(this.#rows.get(id)!, i * D));
    return device.scope(() => embedding(device.tensor(table, [ids.length, D]), device.tensor(place, [place.length])));
  }

  clear(): void {
    this.#rows.clear();
  }
}
