import type { Device, Tensor } from "@dictlearn/kernels";

/** As a source's rows are. */
export interface Rows {
  tokens: Uint32Array;
  start: Uint32Array;
}

/** A corpus of rows of odd lengths, in which every token is a number of its own: 0, 1, 2, … */
export function corpus(lengths: readonly number[]): Uint32Array[] {
  let next = 0;
  return lengths.map((length) => Uint32Array.from({ length }, () => next++));
}

export const widths = { "layers.0.mlp_out": 3, final_norm: 5 } as const;

/** What the "model" makes of a token: its number, its position, then numbers that depend on the row up to it. */
export function activation(row: ArrayLike<number>, position: number, D: number): number[] {
  let hash = 0;
  for (let t = 0; t <= position; t++) hash = (Math.imul(hash, 31) + row[t] + 7) >>> 0;
  return Array.from({ length: D }, (_, d) => (d === 0 ? row[position] : d === 1 ? position : Math.fround(((hash >>> d) % 9973) / 97)));
}

/** A source that runs no model, `rowsAtOnce` rows at a time from row `cursor` on. It notes what it was asked for. */
export function countingSource(device: Device, rows: readonly Uint32Array[], { rowsAtOnce = 3, cursor = 0 }: { rowsAtOnce?: number; cursor?: number } = {}) {
  const asked = { tokens: 0, passes: 0, rerunTokens: 0, largestRerun: 0 };
  const run = ({ tokens, start }: Rows): Record<string, Tensor> =>
    Object.fromEntries(
      Object.entries(widths).map(([site, D]) => {
        const numbers = Array.from({ length: start.length - 1 }, (_, r) => tokens.subarray(start[r], start[r + 1])).flatMap((row) => [...row].flatMap((_, t) => activation(row, t, D)));
        return [site, device.tensor(Float32Array.from(numbers), [tokens.length, D])];
      }),
    );
  return {
    device,
    asked,
    async next() {
      if (cursor >= rows.length) return undefined;
      const some = pack(rows.slice(cursor, cursor + rowsAtOnce));
      cursor = Math.min(rows.length, cursor + rowsAtOnce);
      asked.passes++;
      asked.tokens += some.tokens.length;
      return { rows: some, activations: run(some), cursor: { row: cursor } };
    },
    async rerun(some: Rows) {
      asked.rerunTokens += some.tokens.length;
      asked.largestRerun = Math.max(asked.largestRerun, some.tokens.length);
      return run(some);
    },
  };
}

function pack(rows: readonly Uint32Array[]): Rows {
  const start = new Uint32Array(rows.length + 1);
  rows.forEach((row, r) => (start[r + 1] = start[r] + row.length));
  const tokens = new Uint32Array(start[rows.length]);
  rows.forEach((row, r) => tokens.set(row, start[r]));
  return { tokens, start };
}
