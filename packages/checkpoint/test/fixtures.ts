import { readFileSync } from "node:fs";

/** A source of bytes, as anyone might write one. */
interface Source {
  readonly byteLength: number;
  readonly name: string;
  slice(start: number, end: number): Promise<ArrayBuffer>;
}

/** A recorded file: `fixture("broken/good.pt")`. */
export function fixture(path: string): Source {
  const bytes = fixtureBytes(path);
  return { byteLength: bytes.length, name: path, slice: async (start, end) => bytes.slice(start, end).buffer };
}

export function fixtureBytes(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(new URL(`../../../oracles/formats/${path}`, import.meta.url)));
}

/** Notes which byte ranges are asked for. */
export function recording(source: Source): Source & { ranges: [start: number, end: number][] } {
  const ranges: [number, number][] = [];
  return {
    ...source,
    ranges,
    slice(start, end) {
      ranges.push([start, end]);
      return source.slice(start, end);
    },
  };
}

/** Integers in 0..n-1, the same for a seed everywhere (a linear congruential generator). */
export function seeded(seed: number): (n: number) => number {
  let state = seed >>> 0;
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}
