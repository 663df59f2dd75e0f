import { KernelError } from "./error.js";
import { normalQuantile } from "./normalQuantile.js";

/** What random numbers are for; each purpose has streams of its own. A new one goes to the end: the places are part of the bits. */
const streams = ["sample", "init", "buffer", "resample", "corpus"] as const;
export type RngStream = (typeof streams)[number];

export interface RngOptions {
  /** 0..2^53-1 */
  seed: number;
  stream: RngStream;
  /** Which of the streams of that name: 0..2^32-1. Default 0. */
  index?: number;
}

/**
 * A stream of random numbers. Each number takes whole 32-bit words of Philox4x32-10, counted from the stream's start, so
 * a stream is the same in whatever pieces it is drawn, and its state is the count. Only IEEE 754's exact operations are
 * used on the way: the same bits on every machine and beside every backend.
 */
export interface Rng {
  /** f32[n], multiples of 2^-24 in [0, 1). One word a number. */
  uniform(n: number): Float32Array<ArrayBuffer>;
  /** f32[n], mean 0 and variance 1, of magnitude 6.4 at the most. One word a number. */
  normal(n: number): Float32Array<ArrayBuffer>;
  /** A whole number, each of 0..below-1 exactly as likely. @param below 1..2^32 */
  integer(below: number): number;
  /** u32[n], each as `integer(below)` */
  integers(n: number, below: number): Uint32Array;
  /** u32[n]: 0..n-1 in a random order, each order as likely (Fisher-Yates). */
  permutation(n: number): Uint32Array;
  /** u32[6], from which `restoreRng` continues bit for bit: seed, stream, index, words taken; 64-bit numbers low word first. */
  state(): Uint32Array;
}

/** @throws KernelError USAGE for a seed or an index that is not in its range */
export function openRng({ seed, stream, index = 0 }: RngOptions): Rng {
  expectCount("seed", seed, 2 ** 53 - 1);
  expectCount("index", index, 2 ** 32 - 1);
  if (!streams.includes(stream)) throw new KernelError("USAGE", `rng: expected a stream of ${streams.join(", ")}, got ${JSON.stringify(stream)}`);
  return new PhiloxStream(Uint32Array.of(...halves(seed), streams.indexOf(stream), index, 0, 0));
}

/** The stream that `state()` was taken of, where it was then. @throws KernelError USAGE for what is no such state */
export function restoreRng(state: Uint32Array): Rng {
  const fits = state.length === 6 && state[1] < 2 ** 21 && state[2] < streams.length && state[5] < 2 ** 21;
  if (!fits) throw new KernelError("USAGE", `rng: expected the u32[6] of an earlier state(), got [${state.join(",")}]`);
  return new PhiloxStream(state);
}

class PhiloxStream implements Rng {
  readonly #origin: Uint32Array; // seed (2 words), stream, index
  readonly #block = new Uint32Array(4);
  #taken: number;

  constructor(state: Uint32Array) {
    this.#origin = state.slice(0, 4);
    this.#taken = state[4] + state[5] * 2 ** 32;
    if (this.#taken % 4) this.#fill();
  }

  uniform(n: number): Float32Array<ArrayBuffer> {
    return this.#draw(n, (word) => (word >>> 8) * 2 ** -24);
  }

  normal(n: number): Float32Array<ArrayBuffer> {
    return this.#draw(n, (word) => normalQuantile((word + 0.5) * 2 ** -32));
  }

  integer(below: number): number {
    expectCount("below", below - 1, 2 ** 32 - 1);
    // words past the last whole multiple of `below` would favour small numbers: drawn again (at most half of them)
    const end = 2 ** 32 - (2 ** 32 % below);
    for (;;) {
      const word = this.#next();
      if (word < end) return word % below;
    }
  }

  integers(n: number, below: number): Uint32Array {
    expectCount("n", n, 2 ** 32 - 1);
    const out = new Uint32Array(n);
    for (let i = 0; i < n; i++) out[i] = this.integer(below);
    return out;
  }

  permutation(n: number): Uint32Array {
    expectCount("n", n, 2 ** 32 - 1);
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  state(): Uint32Array {
    return Uint32Array.of(...this.#origin, ...halves(this.#taken));
  }

  /** A block of four words at a time: word by word a count that may pass 2^32 is a number on the heap each time, and all garbage. */
  #draw(n: number, number: (word: number) => number): Float32Array<ArrayBuffer> {
    expectCount("n", n, 2 ** 32 - 1);
    const out = new Float32Array(n);
    let i = 0;
    for (; i < n && this.#taken % 4; i++) out[i] = number(this.#next());
    for (; i + 4 <= n; i += 4) {
      this.#fill();
      this.#taken += 4;
      for (let word = 0; word < 4; word++) out[i + word] = number(this.#block[word]);
    }
    for (; i < n; i++) out[i] = number(this.#next());
    return out;
  }

  #next(): number {
    if (this.#taken % 4 === 0) this.#fill();
    return this.#block[this.#taken++ % 4];
  }

  #fill(): void {
    const [seedLow, seedHigh, stream, index] = this.#origin;
    philox(...halves(Math.floor(this.#taken / 4)), index, stream, seedLow, seedHigh, this.#block);
  }
}

/**
 * Philox4x32-10: four random u32 for a counter (a, b, c, d) and a key, with no state between calls.
 * @param out u32[4]
 * @see Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"
 */
export function philox(a: number, b: number, c: number, d: number, key0: number, key1: number, out: Uint32Array): void {
  for (let round = 0; round < 10; round++) {
    const high = multiplyHigh(0xd2511f53, a);
    const low = Math.imul(0xd2511f53, a);
    a = multiplyHigh(0xcd9e8d57, c) ^ b ^ key0;
    b = Math.imul(0xcd9e8d57, c);
    c = high ^ d ^ key1;
    d = low;
    key0 = (key0 + 0x9e3779b9) | 0;
    key1 = (key1 + 0xbb67ae85) | 0;
  }
  out[0] = a;
  out[1] = b;
  out[2] = c;
  out[3] = d;
}

/** The upper 32 bits of the product of two u32, of which no partial sum passes 2^32. */
function multiplyHigh(a: number, b: number): number {
  const [ah, al, bh, bl] = [a >>> 16, a & 0xffff, b >>> 16, b & 0xffff];
  const middle = (Math.imul(ah, bl) >>> 0) + (Math.imul(al, bl) >>> 16);
  const lower = (Math.imul(al, bh) >>> 0) + (middle & 0xffff);
  return (Math.imul(ah, bh) + (middle >>> 16) + (lower >>> 16)) | 0;
}

const halves = (n: number): [low: number, high: number] => [n >>> 0, Math.floor(n / 2 ** 32)];

function expectCount(name: string, value: number, most: number): void {
  if (!(Number.isSafeInteger(value) && value >= 0 && value <= most)) throw new KernelError("USAGE", `rng: expected ${name} to be a whole number of at most ${most}, got ${value}`);
}
