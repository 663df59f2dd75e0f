import type { Format } from "./format.js";
import type { Shard } from "./shard.js";

/**
 * A shard that can be opened before it is read: its first MiB is fetched and held until then (of a format that opens at
 * the end, the last half MiB).
 */
export class Ahead implements Shard {
  readonly name: string;
  readonly byteLength: number;
  readonly #shard: Shard;
  #head: { source: AsyncIterator<Uint8Array>; fetched: Promise<Fetched> } | undefined;
  #tail: { start: number; bytes: Promise<ArrayBuffer> } | undefined;

  constructor(shard: Shard) {
    this.#shard = shard;
    this.name = shard.name;
    this.byteLength = shard.byteLength;
  }

  /** Starts to fetch; again: nothing happens. */
  open(opensAt: Format["opensAt"]): void {
    if (this.#head || this.#tail) return;
    if (opensAt === "end") {
      const start = Math.max(0, this.byteLength - tailBytes);
      this.#tail = { start, bytes: this.#shard.slice(start, this.byteLength) };
      this.#tail.bytes.catch(() => {}); // thrown where it is read
    } else {
      const source = this.#shard.stream()[Symbol.asyncIterator]();
      this.#head = { source, fetched: fetchFirst(source) };
    }
  }

  async *stream(start = 0): AsyncGenerator<Uint8Array> {
    const head = this.#head;
    if (start > 0 || !head) return yield* this.#shard.stream(start);
    this.#head = undefined;
    try {
      const { chunks, failure } = await head.fetched;
      for (let chunk = chunks.shift(); chunk; chunk = chunks.shift()) yield chunk;
      if (failure) throw failure.error;
      for (let next = await head.source.next(); !next.done; next = await head.source.next()) yield next.value;
    } finally {
      await head.source.return?.();
    }
  }

  async slice(start: number, end: number): Promise<ArrayBuffer> {
    if (!this.#tail || start < this.#tail.start) return this.#shard.slice(start, end);
    return (await this.#tail.bytes).slice(start - this.#tail.start, end - this.#tail.start);
  }

  /** Lets go of what is held. It does not wait for a chunk that is on its way. */
  close(): void {
    this.#head?.source.return?.().catch(() => {});
    this.#head = undefined;
    this.#tail = undefined;
  }
}

const headBytes = 2 ** 20;
const tailBytes = 2 ** 19; // as much as hyparquet asks for first

interface Fetched {
  chunks: Uint8Array[];
  failure?: { error: unknown };
}

async function fetchFirst(source: AsyncIterator<Uint8Array>): Promise<Fetched> {
  const chunks: Uint8Array[] = [];
  try {
    for (let held = 0; held < headBytes; ) {
      const { value, done } = await source.next();
      if (done) break;
      chunks.push(value);
      held += value.length;
    }
  } catch (error) {
    return { chunks, failure: { error } };
  }
  return { chunks };
}
