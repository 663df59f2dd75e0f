import { copyRowsInto, type Device, type Tensor } from "@dictlearn/kernels";
import type { NeoxConfig } from "./config.js";
import { NeoxError } from "./error.js";
import type { PackedRows } from "./rows.js";

/** The keys and values of one row so far, so that a pass over its next tokens needs those tokens only. */
export class KvCache {
  readonly #keys: readonly Tensor[]; //   L × f32[capacity,D], rotated
  readonly #values: readonly Tensor[]; // L × f32[capacity,D]
  #length = 0;

  constructor(
    device: Device,
    { layers, width }: NeoxConfig,
    /** The most tokens it holds. */
    readonly capacity: number,
  ) {
    const make = () => Array.from({ length: layers }, () => device.zeros([capacity, width]));
    this.#keys = make();
    this.#values = make();
  }

  /** How many tokens it holds. */
  get length(): number {
    return this.#length;
  }

  /** @throws NeoxError USAGE for anything but the next tokens of one row that still fit */
  check({ tokens, start, attended }: PackedRows, logits: unknown): void {
    if (start.length !== 2 || attended) throw new NeoxError("USAGE", `run: expected one row without padding with a cache, got ${start.length - 1} rows${attended ? " with attended" : ""}`);
    if (!logits) throw new NeoxError("USAGE", "run: expected logits to be asked for with a cache, got none", "a pass that ends at a site would leave the cache half filled");
    if (this.#length + tokens.length > this.capacity) throw new NeoxError("USAGE", `run: expected at most ${this.capacity - this.#length} more tokens in the cache, got ${tokens.length}`);
  }

  /** Puts a layer's new keys and values after those before. @returns all of them, f32[capacity,D]; spans leave out the unwritten rest */
  append(layer: number, k: Tensor, v: Tensor): [keys: Tensor, values: Tensor] {
    const [keys, values] = [this.#keys[layer], this.#values[layer]];
    copyRowsInto(keys, k, { at: this.#length });
    copyRowsInto(values, v, { at: this.#length });
    return [keys, values];
  }

  /** New token n attends to everything before it and to itself: u32[N,2]. */
  spans(N: number): Uint32Array {
    return Uint32Array.from({ length: 2 * N }, (_, i) => (i % 2 ? this.#length + (i >> 1) + 1 : 0));
  }

  /** Counts N tokens in, once every layer has them. */
  advance(N: number): void {
    this.#length += N;
  }

  dispose(): void {
    for (const tensor of [...this.#keys, ...this.#values]) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
