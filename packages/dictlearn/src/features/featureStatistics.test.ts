import { seededUniform } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { windowStart } from "./bestExamples.js";
import { FeatureStatistics, priority } from "./featureStatistics.js";

const F = 12;
const options = { examples: 4, samples: 3, window: 5, skipFirst: 1 };

interface Row {
  tokens: Uint32Array;
  dense: Float32Array[]; // [n] of [F]
}

/** Rows of 1 to 9 tokens; few values, so that many are equal; the last feature never fires. */
const rows: Row[] = Array.from({ length: 60 }, (_, r) => {
  const n = 1 + (r % 9);
  const random = seededUniform(r + 1, n * F);
  return { tokens: Uint32Array.from({ length: n }, (_, t) => 100 * r + t), dense: Array.from({ length: n }, (_, t) => Float32Array.from({ length: F }, (_, f) => (f === F - 1 || random[t * F + f] < 0.6 ? 0 : Math.floor(10 * random[t * F + f])))) };
});

function sparse({ dense }: Row) {
  const rowStart = [0];
  const [index, values]: [number[], number[]] = [[], []];
  for (const row of dense) {
    row.forEach((value, f) => (value !== 0 || f === 2) && (index.push(f), values.push(value))); // an entry may be 0
    rowStart.push(index.length);
  }
  return { rowStart: Uint32Array.from(rowStart), index: Uint32Array.from(index), values: Float32Array.from(values) };
}

const all = (statistics = new FeatureStatistics(F, options), from = 0, to = rows.length) => {
  for (const row of rows.slice(from, to)) statistics.add(row.tokens, sparse(row));
  return statistics;
};

test("counts, sums, maxima and both kinds of examples are those of sorting everything", () => {
  const statistics = all();
  expect([statistics.rows, statistics.tokens]).toEqual([rows.length, rows.reduce((sum, { tokens }) => sum + tokens.length - 1, 0)]);
  for (let f = 0; f < F; f++) {
    const active = rows.flatMap(({ dense }) => dense.slice(1).map((row) => row[f])).filter((x) => x !== 0);
    const sum = active.reduce((a, b) => a + b, 0);
    expect([statistics.counts[f], statistics.sums[f], statistics.maxima[f]]).toEqual([active.length, sum, Math.max(0, ...active)]);
    expect(statistics.histograms.of(f).counts.reduce((a, b) => a + b, 0)).toBe(active.length);
    const peaks = rows.flatMap(({ dense }, row) => {
      const values = dense.map((one, t) => (t === 0 ? 0 : one[f]));
      const peak = Math.max(...values);
      return peak === 0 ? [] : [{ row, position: values.indexOf(peak), peak, values }];
    });
    const read = (list: typeof statistics.best) => list.slots(f).map((slot) => list.read(slot, statistics.store));
    const expected = (some: typeof peaks) =>
      some.map(({ row, position, values }) => {
        const start = windowStart(position, values.length, options.window);
        const cut = <T>(list: ArrayLike<T>) => Array.from(list).slice(start, start + options.window);
        return { row, position, peak: position - start, tokens: cut(rows[row].tokens), values: cut(values) };
      });
    expect(read(statistics.best)).toEqual(expected([...peaks].sort((a, b) => b.peak - a.peak || a.row - b.row).slice(0, options.examples)));
    expect(read(statistics.drawn)).toEqual(expected([...peaks].sort((a, b) => priority(f, b.row) - priority(f, a.row)).slice(0, options.samples)));
  }
});

test("from a state, all goes on as it would have, rows that nobody needs left behind", () => {
  const state = all(undefined, 0, 33).state();
  const copied = Object.fromEntries(Object.entries(state).map(([name, array]) => [name, array.slice()]));
  expect(copied["store.numbers"].length).toBeLessThan(33);
  expect(all(new FeatureStatistics(F, options, copied), 33).state()).toEqual(all().state());
});

test("random rows are drawn alike from all of them", () => {
  const thirds = [0, 0, 0];
  for (let f = 0; f < 3000; f++) {
    const keys = Array.from({ length: 30 }, (_, row) => priority(f, row));
    thirds[Math.floor(keys.indexOf(Math.max(...keys)) / 10)]++;
  }
  for (const third of thirds) expect(Math.abs(third - 1000)).toBeLessThan(4 * Math.sqrt(3000 * (1 / 3) * (2 / 3))); // 4 standard deviations
});

test("what is kept takes what was said", () => {
  const bytes = Object.values(all().state()).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const tokens = rows.reduce((sum, row) => sum + row.tokens.length, 0);
  expect(bytes).toBeLessThanOrEqual(FeatureStatistics.bytes(F, options, { tokens, contextLength: 9 }) + 8 * rows.length);
});

test("a number that is not finite is an error", () => {
  expect(() => new FeatureStatistics(F, options).add(Uint32Array.of(1, 2), { rowStart: Uint32Array.of(0, 0, 1), index: Uint32Array.of(3), values: Float32Array.of(NaN) })).toThrow("features: expected finite activations, got NaN for feature 3");
});
