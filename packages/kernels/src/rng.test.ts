import { openRng, restoreRng, type Rng } from "@dictlearn/kernels";
import { describe, expect, test } from "vitest";
import { philox } from "./rng.js";

const rng = (seed = 1, index = 0): Rng => openRng({ seed, stream: "init", index });

// Random123 (Salmon et al., D. E. Shaw Research), tests/kat_vectors, the lines "philox4x32 10": counter, key, result.
test.each([
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [[0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]],
  [[0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344], [0xa4093822, 0x299f31d0], [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1]],
])("philox %j with key %j", ([a, b, c, d], [key0, key1], expected) => {
  const out = new Uint32Array(4);
  philox(a, b, c, d, key0, key1, out);
  expect([...out]).toEqual(expected);
});

test("a stream is Philox of (words / 4, index, stream) under the seed, by the known answer at zero", () => {
  const words = openRng({ seed: 0, stream: "sample" }).integers(4, 2 ** 32);
  expect([...words]).toEqual([0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
});

describe("laws", () => {
  const N = 100_000;

  test("uniform numbers lie in [0, 1) and fill it: mean, variance and every hundredth within five standard errors", () => {
    const u = rng().uniform(N);
    expect(u.every((x) => x >= 0 && x < 1)).toBe(true);
    const mean = u.reduce((s, x) => s + x, 0) / N;
    expect(Math.abs(mean - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / N));
    const variance = u.reduce((s, x) => s + (x - 1 / 2) ** 2, 0) / N;
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt((1 / 80 - 1 / 144) / N)); // E(x-½)^4 = 1/80
    expect(chiSquare(counts(u, (x) => Math.floor(x * 100), 100), N / 100)).toBeLessThan(99 + 5 * Math.sqrt(2 * 99));
  });

  test("normal numbers have the first four moments of a normal within five standard errors, and its tails", () => {
    const z = rng().normal(N);
    const moment = (k: number) => z.reduce((s, x) => s + x ** k, 0) / N;
    // the variance of x^k is E x^2k - (E x^k)^2, of 1, 3, 15, 105 for the even powers
    expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / N));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / N));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / N));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / N));
    const beyond = z.filter((x) => Math.abs(x) > 3).length; // P = 0.0026998
    expect(Math.abs(beyond - 269.98)).toBeLessThan(5 * Math.sqrt(269.98));
  });

  test("integers are each as likely, also where 2^32 is no multiple", () => {
    const below = 3 * 2 ** 30; // without drawing again, the lowest third would come twice as often
    const thirds = counts(rng().integers(N, below), (x) => Math.floor(x / 2 ** 30), 3);
    expect(chiSquare(thirds, N / 3)).toBeLessThan(2 + 5 * 2);
    expect(rng().integers(1000, 7).every((x) => x < 7)).toBe(true);
    expect(rng().integer(1)).toBe(0);
  });

  test.each([0, 1, 2, 97, 1000])("a permutation of %i has each number once", (n) => {
    expect([...rng().permutation(n)].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
  });

  test("each of the 24 orders of four is as likely", () => {
    const source = rng();
    const orders = new Map<string, number>();
    for (let i = 0; i < 24_000; i++) {
      const order = source.permutation(4).join("");
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    expect(chiSquare([...orders.values()], 1000)).toBeLessThan(23 + 5 * Math.sqrt(2 * 23));
  });

  test("every seed, stream and index has numbers of its own", () => {
    const of = [
      openRng({ seed: 1, stream: "init" }),
      openRng({ seed: 2, stream: "init" }),
      openRng({ seed: 1 + 2 ** 32, stream: "init" }),
      openRng({ seed: 1, stream: "buffer" }),
      openRng({ seed: 1, stream: "init", index: 1 }),
      openRng({ seed: 1, stream: "init", index: 2 ** 32 - 1 }),
    ];
    const words = of.flatMap((r) => [...r.integers(1000, 2 ** 32)]);
    expect(words.length - new Set(words).size).toBeLessThan(5); // 6,000 words of 2^32 rarely meet
  });
});

describe("state", () => {
  test.each([0, 1, 2, 3, 4, 5, 1001])("after %i words, a stream continues bit for bit, and leaves the first untouched", (taken) => {
    const first = openRng({ seed: 2 ** 53 - 1, stream: "resample", index: 7 });
    first.uniform(taken);
    const state = first.state();
    const second = restoreRng(state);
    const numbers = (r: Rng) => [...r.normal(5), ...r.uniform(3), ...r.integers(4, 10), ...r.permutation(9)];
    expect(numbers(second)).toEqual(numbers(first));
    expect(second.state()).toEqual(first.state());
    expect(restoreRng(state).state()).toEqual(state);
  });

  test("a stream is the same in whatever pieces it is drawn", () => {
    const [whole, pieces] = [rng().uniform(13), rng()];
    expect([...pieces.uniform(1), ...pieces.uniform(0), ...pieces.uniform(5), ...pieces.uniform(7)]).toEqual([...whole]);
  });

  test("goes on past 2^32 blocks", () => {
    const late = restoreRng(Uint32Array.of(0, 0, 0, 0, 0, 4)); // 2^34 words: block 2^32 has counter (0, 1)
    const out = new Uint32Array(4);
    philox(0, 1, 0, 0, 0, 0, out);
    expect(late.integers(4, 2 ** 32)).toEqual(out);
    expect(late.state()).toEqual(Uint32Array.of(0, 0, 0, 0, 4, 4));
  });
});

test.each([
  [() => openRng({ seed: -1, stream: "init" }), "rng: expected seed to be a whole number of at most 9007199254740991, got -1"],
  [() => openRng({ seed: 0.5, stream: "init" }), "got 0.5"],
  [() => openRng({ seed: 1, stream: "init", index: 2 ** 32 }), "rng: expected index to be a whole number of at most 4294967295, got 4294967296"],
  [() => openRng({ seed: 1, stream: "training" as "init" }), 'rng: expected a stream of sample, init, buffer, resample, corpus, got "training"'],
  [() => rng().integer(0), "rng: expected below"],
  [() => rng().integers(-1, 3), "rng: expected n"],
  [() => rng().uniform(NaN), "rng: expected n"],
  [() => restoreRng(new Uint32Array(5)), "rng: expected the u32[6] of an earlier state(), got [0,0,0,0,0]"],
  [() => restoreRng(Uint32Array.of(0, 0, 99, 0, 0, 0)), "rng: expected the u32[6]"],
])("%s is refused", (call, message) => {
  expect(call).toThrow(expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }));
});

function counts(numbers: Iterable<number>, bin: (x: number) => number, bins: number): number[] {
  const found = Array.from({ length: bins }, () => 0);
  for (const x of numbers) found[bin(x)]++;
  return found;
}

const chiSquare = (found: number[], expected: number): number => found.reduce((sum, n) => sum + (n - expected) ** 2 / expected, 0);
