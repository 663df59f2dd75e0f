import type { Rng, Tensor } from "@dictlearn/kernels";
import { packState, type BufferState, type Progress, type Row, type SavedBuffer } from "./bufferState.js";
import { ActivationsError } from "./error.js";
import { recover } from "./recover.js";
import { RowStore } from "./rowStore.js";
import { checkActivations, disposeAll, type Activations, type ActivationSource } from "./source.js";

/** f32[B,D] by site, on the device of the source's tensors; row b of every site is the same token. The caller disposes it. */
export type Batch = Record<string, Tensor>;

/** Rows taken from the source for which there was no room yet, in their order. */
interface Pending {
  readonly activations: Activations;
  /** The row and the position of the token that each activation belongs to, and where it stands in the tensors. Lists, since objects would be thousands a pass. */
  readonly rows: readonly Row[];
  readonly positions: Uint32Array;
  readonly from: Uint32Array;
  /** How many of them have been stored. */
  stored: number;
}

export class ActivationBuffer implements AsyncIterable<Batch> {
  readonly #source: ActivationSource;
  readonly #progress: Progress;
  readonly #rng: Rng;
  #store: RowStore | undefined;
  /** All slots, each once: those that hold what is unread come first. Which slot holds what never shows. */
  readonly #slots: Uint32Array;
  #unread = 0;
  /** By slot. */
  readonly #rows: (Row | undefined)[] = [];
  readonly #positions: Uint32Array;
  #pending: Pending | undefined;
  #rowsSeen = 0;
  #busy = false;
  #disposed = false;

  /** Use openBuffer or restoreBuffer. */
  constructor(source: ActivationSource, progress: Progress, rng: Rng) {
    this.#source = source;
    this.#progress = progress;
    this.#rng = rng;
    this.#slots = Uint32Array.from({ length: progress.capacity }, (_, slot) => slot);
    this.#positions = new Uint32Array(progress.capacity);
  }

  /** Tokens drawn so far. */
  get drawn(): number {
    return this.#progress.drawn;
  }

  /**
   * The next batch, or undefined at the end. If the source throws, so does this, and asking again goes on where it stood.
   * @throws SHAPE if the source's activations change their sites or widths
   */
  async next(): Promise<Batch | undefined> {
    return this.#alone(async () => {
      const { batchSize, capacity, partial } = this.#progress;
      if (this.#unread <= capacity / 2) this.#progress.filling = true;
      if (this.#progress.filling) await this.#fill();
      const n = Math.min(batchSize, this.#unread, this.#left);
      if (n === 0 || (n < batchSize && !partial)) return undefined;
      const drawn = new Uint32Array(n);
      for (let i = 0; i < n; i++) {
        const j = this.#rng.integer(this.#unread);
        const slot = this.#slots[j];
        this.#slots[j] = this.#slots[--this.#unread];
        this.#slots[this.#unread] = slot;
        this.#rows[slot] = undefined;
        drawn[i] = slot;
      }
      this.#progress.drawn += n;
      return this.#store!.read(drawn);
    });
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Batch, void> {
    for (let batch = await this.next(); batch; batch = await this.next()) yield batch;
  }

  /**
   * All that `restoreBuffer` needs: small, since activations are told by their tokens.
   * @param options.activations saves them too, for a model that does not give the same bytes a second time
   */
  async state(options: { activations?: boolean } = {}): Promise<BufferState> {
    return this.#alone(async () => {
      const unread = Array.from(this.#slots.subarray(0, this.#unread), (slot) => ({ row: this.#rows[slot]!, position: this.#positions[slot] }));
      const { rows = [], positions = [], stored = 0 } = this.#pending ?? {};
      const pending = rows.slice(stored).map((row, i) => ({ row, position: positions[stored + i] }));
      const activations = options.activations && this.#store && unread.length + pending.length > 0 ? await this.#readAll(this.#store, pending.length) : undefined;
      return packState({ progress: this.#progress, rng: this.#rng.state(), unread: this.#unread, entries: [...unread, ...pending], activations });
    });
  }

  /** Frees the device memory. Twice is harmless. */
  dispose(): void {
    this.#disposed = true;
    this.#store?.dispose();
    if (this.#pending) disposeAll(this.#pending.activations);
    this.#pending = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Takes over what a state says was unread. Called once, by restoreBuffer. */
  async refillFrom(saved: SavedBuffer): Promise<void> {
    const { device } = this.#source;
    const { entries, unread, rows } = saved;
    await this.#alone(async () => {
      let waiting: RowStore | undefined; // for what had no room yet
      try {
        for await (const part of recover(this.#source, saved)) {
          try {
            this.#assertOpen();
            this.#store ??= new RowStore(device, this.#progress.capacity, part.sites);
            if (entries.length > unread) waiting ??= new RowStore(device, entries.length - unread, part.sites);
            const now = part.found.filter(({ place }) => place < unread);
            const later = part.found.filter(({ place }) => place >= unread);
            this.#store.write(part.activations, u32(now, ({ from }) => from), u32(now, ({ place }) => place));
            waiting?.write(part.activations, u32(later, ({ from }) => from), u32(later, ({ place }) => place - unread));
          } finally {
            disposeAll(part.activations);
          }
        }
        entries.slice(0, unread).forEach(({ row, position }, slot) => this.#put(slot, row, position));
        this.#unread = unread;
        this.#rowsSeen = rows.length;
        const left = entries.slice(unread);
        const from = u32(left, (_, i) => i);
        if (waiting) this.#pending = { activations: kept(waiting.read(from)), rows: left.map(({ row }) => row), positions: u32(left, ({ position }) => position), from, stored: 0 };
      } finally {
        waiting?.dispose();
      }
    });
  }

  /** What is left to draw. A last batch that would not be full is not drawn unless asked for. */
  get #left(): number {
    const { tokens = Infinity, partial, batchSize, drawn } = this.#progress;
    return Math.max(0, (partial || tokens === Infinity ? tokens : tokens - (tokens % batchSize)) - drawn);
  }

  /** Fills up, with no more than is left to draw. Where the source throws, filling goes on in the next call. */
  async #fill(): Promise<void> {
    const wanted = Math.min(this.#progress.capacity, this.#left);
    while (this.#unread < wanted && (this.#pending || (await this.#pull()))) {
      const { activations, rows, positions, from, stored } = this.#pending!;
      const end = Math.min(rows.length, stored + wanted - this.#unread);
      const slots = this.#slots.slice(this.#unread, this.#unread + end - stored);
      if (end > stored) this.#store!.write(activations, from.subarray(stored, end), slots);
      for (let i = stored; i < end; i++) this.#put(slots[i - stored], rows[i], positions[i]);
      this.#unread += end - stored;
      this.#pending!.stored = end;
      if (end < rows.length) break;
      disposeAll(activations);
      this.#pending = undefined;
    }
    this.#progress.filling = false;
  }

  /** Takes rows from the source. @returns false at its end */
  async #pull(): Promise<boolean> {
    if (this.#progress.ended) return false;
    const found = await this.#source.next();
    if (!found) {
      this.#progress.ended = true;
      return false;
    }
    const { rows, activations } = found;
    try {
      this.#assertOpen();
      const sites = checkActivations(this.#source.device, activations, rows, this.#store?.sites);
      this.#store ??= new RowStore(this.#source.device, this.#progress.capacity, sites);
    } catch (cause) {
      disposeAll(activations);
      throw cause;
    }
    this.#progress.cursor = structuredClone(found.cursor) ?? null;
    const tokens = rows.tokens.slice();
    const rowOf: Row[] = [];
    const [positions, from] = [new Uint32Array(tokens.length), new Uint32Array(tokens.length)];
    for (let r = 0; r + 1 < rows.start.length; r++) {
      const [first, end] = [rows.start[r], rows.start[r + 1]];
      const row: Row = { tokens: tokens.subarray(first, end), order: this.#rowsSeen++ };
      for (let position = this.#progress.skipFirst; first + position < end; position++) {
        positions[rowOf.length] = position;
        from[rowOf.length] = first + position;
        rowOf.push(row);
      }
    }
    this.#pending = { activations: kept(activations), rows: rowOf, positions, from, stored: 0 };
    return true;
  }

  #put(slot: number, row: Row, position: number): void {
    this.#rows[slot] = row;
    this.#positions[slot] = position;
  }

  /** The unread activations as host arrays, then the pending ones. */
  async #readAll(store: RowStore, pending: number): Promise<Map<string, { D: number; data: Float32Array }>> {
    const { batchSize } = this.#progress;
    const all = new Map([...store.sites].map(([site, D]) => [site, { D, data: new Float32Array((this.#unread + pending) * D) }]));
    const put = async (batch: Activations, first: number) => {
      for (const [site, { D, data }] of all) data.set((await batch[site].read()) as Float32Array, first * D);
      disposeAll(batch);
    };
    for (let first = 0; first < this.#unread; first += batchSize) await put(store.read(this.#slots.slice(first, Math.min(first + batchSize, this.#unread))), first);
    if (pending > 0) {
      const { activations, from, rows } = this.#pending!;
      using waiting = new RowStore(this.#source.device, pending, store.sites);
      const places = Uint32Array.from({ length: pending }, (_, i) => i);
      waiting.write(activations, from.subarray(rows.length - pending, rows.length), places);
      await put(waiting.read(places), this.#unread);
    }
    return all;
  }

  /** One thing at a time: what is drawn while the buffer fills would not be in its order. */
  async #alone<R>(body: () => Promise<R>): Promise<R> {
    this.#assertOpen();
    if (this.#busy) throw new ActivationsError("USAGE", "buffer: expected one call at a time, got another before the first had settled", "await next() and state()");
    this.#busy = true;
    try {
      return await body();
    } finally {
      this.#busy = false;
    }
  }

  #assertOpen(): void {
    if (this.#disposed) throw new ActivationsError("DISPOSED", "buffer: expected a live buffer, got one after dispose()");
  }
}

const u32 = <E>(all: readonly E[], number: (entry: E, i: number) => number): Uint32Array => Uint32Array.from(all, number);

/** Takes tensors out of the scopes around: they live on between calls. */
function kept<A extends Activations>(activations: A): A {
  for (const tensor of Object.values(activations)) tensor.device.keep(tensor);
  return activations;
}
