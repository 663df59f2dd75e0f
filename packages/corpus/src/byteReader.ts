import { concat } from "./concat.js";

/** Bytes out of chunks, as many as are asked for. */
export class ByteReader {
  /** bytes taken so far */
  position = 0;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #held: Uint8Array = new Uint8Array();

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** The next `length` bytes, fewer at the end, left in place. */
  async peek(length: number): Promise<Uint8Array> {
    if (this.#held.length < length) {
      const parts = [this.#held];
      for (let held = this.#held.length; held < length; ) {
        const next = await this.#chunks.next();
        if (next.done) break;
        parts.push(next.value);
        held += next.value.length;
      }
      this.#held = concat(parts);
    }
    return this.#held.subarray(0, length);
  }

  async take(length: number): Promise<Uint8Array> {
    const bytes = await this.peek(length);
    this.#held = this.#held.subarray(bytes.length);
    this.position += bytes.length;
    return bytes;
  }

  /** @returns whether there were so many bytes */
  async skip(length: number): Promise<boolean> {
    for (let left = length; left > 0; ) {
      const { length: taken } = await this.take(Math.min(left, 2 ** 16));
      if (taken === 0) return false;
      left -= taken;
    }
    return true;
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}
