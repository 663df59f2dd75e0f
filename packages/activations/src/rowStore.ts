import { scatterRowsInto, type Device, type Tensor } from "@dictlearn/kernels";
import { ActivationsError } from "./error.js";
import type { Activations } from "./source.js";

const largestPart = 2 ** 27; // 128 MiB, what every WebGPU device binds at once

/**
 * Room on the device for activations of several sites, by slot: f32[capacity, D] a site, in parts of whole rows where
 * that would pass `partBytes`. Nothing else is held; the slots of all sites are cut alike, so that one list of places
 * serves them all.
 */
export class RowStore {
  readonly sites: ReadonlyMap<string, number>;
  readonly #device: Device;
  readonly #partRows: number;
  /** By part, then by site. */
  readonly #parts: Record<string, Tensor>[] = [];

  constructor(device: Device, capacity: number, sites: ReadonlyMap<string, number>, partBytes = largestPart) {
    this.sites = sites;
    this.#device = device;
    const rowBytes = 4 * Math.max(1, ...sites.values());
    if (rowBytes > partBytes) throw new ActivationsError("UNSUPPORTED", `buffer: expected activations of at most ${partBytes / 4} numbers, got ${rowBytes / 4}`);
    this.#partRows = Math.floor(partBytes / rowBytes);
    try {
      for (let first = 0; first < capacity; first += this.#partRows) {
        const part: Record<string, Tensor> = {};
        this.#parts.push(part);
        for (const [site, D] of sites) part[site] = device.keep(device.empty("f32", [Math.min(this.#partRows, capacity - first), D]));
      }
    } catch (cause) {
      this.dispose(); // no room for all of it
      throw cause;
    }
  }

  /** Copies rows of `source` (f32[N,D] a site) to slots. @param slots each once */
  write(source: Activations, rows: Uint32Array, slots: Uint32Array): void {
    this.#device.scope(() => {
      for (const { part, pairs } of this.#byPart(slots, (i, place) => [rows[i], place])) for (const site of this.sites.keys()) scatterRowsInto(this.#parts[part][site], source[site], pairs);
    });
  }

  /** The rows of these slots, f32[n,D] a site. */
  read(slots: Uint32Array): Record<string, Tensor> {
    return this.#device.scope(() => {
      const out = Object.fromEntries([...this.sites].map(([site, D]) => [site, this.#device.empty("f32", [slots.length, D])]));
      for (const { part, pairs } of this.#byPart(slots, (i, place) => [place, i])) for (const site of this.sites.keys()) scatterRowsInto(out[site], this.#parts[part][site], pairs);
      return out;
    });
  }

  dispose(): void {
    for (const part of this.#parts) for (const tensor of Object.values(part)) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** For each part that slots lie in what is to be copied, u32[n,2]. @param pair of the i-th slot, which has this place in its part */
  *#byPart(slots: Uint32Array, pair: (i: number, place: number) => [from: number, to: number]): Generator<{ part: number; pairs: Tensor }, void> {
    for (const part of this.#parts.keys()) {
      const pairs = new Uint32Array(2 * slots.length);
      let n = 0;
      for (let i = 0; i < slots.length; i++) {
        const place = slots[i] - part * this.#partRows;
        if (place >= 0 && place < this.#partRows) [pairs[n++], pairs[n++]] = pair(i, place);
      }
      if (n > 0) yield { part, pairs: this.#device.tensor(pairs.subarray(0, n), [n / 2, 2]) };
    }
  }
}
