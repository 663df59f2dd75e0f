import { openSafetensors, memorySource, writeSafetensors, type NamedTensor as Stored } from "@dictlearn/checkpoint";
import type { Device } from "@dictlearn/kernels";
import { devices } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { activation, corpus, countingSource, widths } from "../test/countingSource.js";
import { openBuffer, restoreBuffer, type ActivationBuffer, type ActivationSource, type BufferState, type Harvested } from "./index.js";

const lengths = Array.from({ length: 41 }, (_, i) => [7, 1, 12, 0, 3, 9, 5][i % 7]); // 217 tokens, 27 batches of 8 and one more
const rows = corpus(lengths);
const total = lengths.reduce((a, b) => a + b);

type Numbers = Record<string, readonly number[]>;
/** Everything a buffer still gives, read and freed. */
async function drain(buffer: ActivationBuffer, most = Infinity): Promise<Numbers[]> {
  const batches: Numbers[] = [];
  while (batches.length < most) {
    const batch = await buffer.next();
    if (!batch) break;
    batches.push(Object.fromEntries(await Promise.all(Object.entries(batch).map(async ([site, x]) => [site, [...(await x.read())]] as const))));
    for (const x of Object.values(batch)) x.dispose();
  }
  return batches;
}
const tokensOf = (batches: Numbers[], site: keyof typeof widths = "final_norm") => batches.flatMap((batch) => batch[site].filter((_, i) => i % widths[site] === 0));
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

/** A state as it is after a save and a load. */
async function savedAndLoaded({ json, tensors }: BufferState): Promise<BufferState> {
  const file = await openSafetensors(memorySource(writeSafetensors(tensors as Stored[])));
  return { json: JSON.parse(JSON.stringify(json)), tensors: await Promise.all(file.names.map((name) => file.read(name))) };
}

describe.each(await devices())("the buffer on $name", ({ device: found, skipped }) => {
  const device = found!;
  const options = { batchSize: 8, capacity: 29, seed: 11 };

  test.skipIf(skipped)("gives every token once, with its own activations at every site", async () => {
    using buffer = openBuffer(countingSource(device, rows), { ...options, partial: true });
    const batches = await drain(buffer);
    expect(sorted(tokensOf(batches))).toEqual(upTo(total));
    expect(batches.map((batch) => batch.final_norm.length / 5)).toEqual([...Array.from({ length: 27 }, () => 8), 1]);
    const places = new Map(rows.flatMap((row) => [...row].map((token, position) => [token, { row, position }] as const)));
    for (const batch of batches)
      for (let b = 0; b < batch.final_norm.length / 5; b++) {
        const { row, position } = places.get(batch.final_norm[5 * b])!;
        expect(batch.final_norm.slice(5 * b, 5 * b + 5)).toEqual(activation(row, position, 5));
        expect(batch["layers.0.mlp_out"].slice(3 * b, 3 * b + 3)).toEqual(activation(row, position, 3));
      }
  });

  test.skipIf(skipped)("memory is capacity rows a site, flat over many refills, and all given back", async () => {
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    const buffer = openBuffer(countingSource(device, corpus(Array.from({ length: 300 }, () => 10)), { rowsAtOnce: 1 }), { ...options, capacity: 30 });
    await drain(buffer, 1);
    await device.idle();
    const [heldLive, held] = [device.scopes.live, device.bytesInUse];
    expect(heldLive - live).toBe(2); // a tensor a site; all of the three rows found room
    await drain(buffer, 200);
    await device.idle();
    expect([device.scopes.live, device.bytesInUse]).toEqual([heldLive, held]);
    buffer.dispose();
    buffer.dispose();
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
  });

  test.skipIf(skipped)("resumed at any step, by running the model again or from saved activations, it goes on bit for bit", async () => {
    const whole = { ...options, skipFirst: 1, partial: true };
    using buffer = openBuffer(countingSource(device, rows), whole);
    const expected = await drain(buffer);
    for (let k = 0; k <= expected.length; k += device.kind === "cpu" ? 1 : 5) // a software GPU is slow
      for (const activations of [false, true]) {
        const bytes = device.bytesInUse;
        using first = openBuffer(countingSource(device, rows), whole);
        await drain(first, k);
        const state = await savedAndLoaded(await first.state({ activations }));
        const source = countingSource(device, rows, { cursor: (state.json.cursor as { row: number } | null)?.row });
        using second = await restoreBuffer(source, state);
        expect(second.drawn).toBe(first.drawn);
        expect(await savedAndLoaded(await second.state({ activations }))).toEqual(state); // a second save says the same
        expect(await drain(second)).toEqual(expected.slice(k));
        expect(await drain(first)).toEqual(expected.slice(k)); // and saving disturbed nothing
        expect(source.asked.rerunTokens > 0).toBe(!activations && state.json.unread > 0);
        first.dispose();
        second.dispose();
        expect(device.bytesInUse).toBe(bytes);
      }
  });
});

const [{ device: cpu }] = await devices();
const device = cpu as Device;
const open = (source: ActivationSource, options: object = {}) => openBuffer(source, { batchSize: 8, capacity: 40, seed: 3, ...options });

describe("the order", () => {
  test("is the same for a seed, and other for another", async () => {
    const of = async (seed: number) => {
      using buffer = open(countingSource(device, rows), { seed });
      return tokensOf(await drain(buffer));
    };
    expect(await of(1)).toEqual(await of(1));
    expect(await of(1)).not.toEqual(await of(2));
  });

  test("does not depend on how many rows the source gives at once", async () => {
    const of = async (rowsAtOnce: number) => {
      using buffer = open(countingSource(device, rows, { rowsAtOnce }), { partial: true });
      return tokensOf(await drain(buffer));
    };
    const expected = await of(1);
    for (const rowsAtOnce of [2, 7, 40]) expect(await of(rowsAtOnce)).toEqual(expected);
  });

  test("is uniform: of a full buffer every token is as likely in the first batch, and every pair", async () => {
    const [N, B, runs] = [12, 4, 3000];
    const inFirst = new Float64Array(N);
    const together = new Float64Array(N * N);
    for (let seed = 0; seed < runs; seed++) {
      using buffer = openBuffer(countingSource(device, corpus([N])), { batchSize: B, capacity: N, seed });
      const tokens = tokensOf(await drain(buffer, 1));
      for (const a of tokens) {
        inFirst[a]++;
        for (const b of tokens) if (b > a) together[a * N + b]++;
      }
    }
    const p = B / N;
    const q = (B * (B - 1)) / (N * (N - 1));
    for (let a = 0; a < N; a++) {
      expect(Math.abs(inFirst[a] - runs * p)).toBeLessThan(5 * Math.sqrt(runs * p * (1 - p)));
      for (let b = a + 1; b < N; b++) expect(Math.abs(together[a * N + b] - runs * q)).toBeLessThan(5 * Math.sqrt(runs * q * (1 - q)));
    }
  });

  test("is shuffled across a refill: a batch mixes what was left with what came", async () => {
    using buffer = openBuffer(countingSource(device, corpus(Array.from({ length: 200 }, () => 10)), { rowsAtOnce: 1 }), { batchSize: 100, capacity: 400, seed: 5 });
    const batches = await drain(buffer);
    // two batches leave 200 of tokens 0..399, then 200 new ones come: half of the third batch is old, within five deviations
    const old = tokensOf([batches[2]]).filter((token) => token < 400).length;
    expect(Math.abs(old - 50)).toBeLessThan(5 * Math.sqrt(100 * 0.25 * (300 / 399))); // hypergeometric
    // the place in a batch says nothing of the place in the stream
    const all = batches.slice(0, 10).map((batch) => tokensOf([batch]));
    const correlation = all.reduce((sum, tokens) => sum + rankCorrelation(tokens), 0) / all.length;
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(99 * all.length));
  });
});

/** Spearman's: between -1 and 1, with variance 1/(n-1) where there is none. */
function rankCorrelation(values: number[]): number {
  const n = values.length;
  const rank = new Map(sorted(values).map((value, r) => [value, r]));
  const squares = values.reduce((sum, value, i) => sum + (rank.get(value)! - i) ** 2, 0);
  return 1 - (6 * squares) / (n * (n * n - 1));
}

describe("how much", () => {
  test("skipFirst leaves out the first positions of every row", async () => {
    using buffer = open(countingSource(device, rows), { skipFirst: 4, partial: true });
    expect(sorted(tokensOf(await drain(buffer)))).toEqual(rows.flatMap((row) => [...row.subarray(4)]));
  });

  test.each([
    [false, 27],
    [true, 28],
  ])("the last batch that is not full: partial %s", async (partial, batches) => {
    using buffer = open(countingSource(device, rows), { partial });
    expect(await drain(buffer)).toHaveLength(batches);
    expect(await buffer.next()).toBeUndefined(); // and stays at its end
  });

  test("a buffer larger than the corpus gives one shuffle of it", async () => {
    using buffer = open(countingSource(device, rows), { capacity: 1000, partial: true });
    const tokens = tokensOf(await drain(buffer));
    expect(sorted(tokens)).toEqual(upTo(total));
    expect(Math.abs(rankCorrelation(tokens))).toBeLessThan(5 / Math.sqrt(total - 1));
  });

  test.each([
    { tokens: 0, drawn: 0, passes: 0 },
    { tokens: 7, drawn: 0, passes: 0 }, // no full batch
    { tokens: 32, drawn: 32, passes: 4 },
    { tokens: 39, drawn: 32, passes: 4 },
    { tokens: 39, partial: true, drawn: 39, passes: 4 },
    { tokens: 96, drawn: 96, passes: 10 },
    { tokens: 100, partial: true, drawn: 100, passes: 10 },
  ])("$tokens tokens (partial $partial): the source is asked for as many as it takes", async ({ tokens, partial, drawn, passes }) => {
    const source = countingSource(device, corpus(Array.from({ length: 200 }, () => 10)), { rowsAtOnce: 1 });
    using buffer = open(source, { tokens, partial });
    expect(tokensOf(await drain(buffer))).toHaveLength(drawn);
    expect([buffer.drawn, source.asked.passes]).toEqual([drawn, passes]);
  });

  test("the source is asked again when half is left, not before", async () => {
    const source = countingSource(device, corpus(Array.from({ length: 200 }, () => 10)), { rowsAtOnce: 1 });
    using buffer = openBuffer(source, { batchSize: 10, capacity: 60, seed: 0 });
    const passes: number[] = [];
    for (let k = 0; k < 8; k++) {
      await drain(buffer, 1);
      passes.push(source.asked.passes);
    }
    expect(passes).toEqual([6, 6, 6, 9, 9, 9, 12, 12]);
  });

  test("the default is 20 batches", async () => {
    const source = countingSource(device, corpus(Array.from({ length: 200 }, () => 10)), { rowsAtOnce: 1 });
    using buffer = openBuffer(source, { batchSize: 10, seed: 0 });
    await drain(buffer, 1);
    expect(source.asked.tokens).toBe(200);
  });

  test("a resumed run may draw more than was planned, and is filled in parts of a batch", async () => {
    using first = open(countingSource(device, rows), { tokens: 64 });
    await drain(first, 2);
    const state = await first.state();
    const source = countingSource(device, rows, { cursor: (state.json.cursor as { row: number }).row });
    using second = await restoreBuffer(source, state, { tokens: 128 });
    expect(tokensOf(await drain(second))).toHaveLength(112);
    expect(source.asked.largestRerun).toBeLessThanOrEqual(12); // the longest row; a batch is 8
  });
});

test("inside a scope a batch is the scope's, and what the buffer holds outlives it", async () => {
  const bytes = device.bytesInUse;
  using whole = open(countingSource(device, rows));
  const expected = await drain(whole);
  whole.dispose();
  using buffer = open(countingSource(device, rows));
  const batches: number[][] = [];
  for (let k = 0; k < expected.length; k++) batches.push(await device.scope(async () => [...(await (await buffer.next())!.final_norm.read())]));
  expect(batches).toEqual(expected.map((batch) => batch.final_norm));
  const state = await device.scope(() => buffer.state({ activations: true }));
  using restored = await device.scope(() => restoreBuffer(countingSource(device, rows), state));
  expect(await drain(restored)).toEqual([]);
  restored.dispose();
  buffer.dispose();
  expect(device.bytesInUse).toBe(bytes);
});

describe("trouble", () => {
  const broken = (change: (found: Harvested) => object): ActivationSource => {
    const source = countingSource(device, rows);
    return {
      ...source,
      async next() {
        const found = (await source.next())!; // rows of 7, 1 and 12
        const given: Harvested = { ...found, ...change(found) };
        for (const x of Object.values(found.activations)) if (!Object.values(given.activations).includes(x)) x.dispose();
        return given;
      },
    };
  };

  test("a source that fails once loses nothing", async () => {
    const source = countingSource(device, rows, { rowsAtOnce: 1 });
    using whole = open(countingSource(device, rows, { rowsAtOnce: 1 }));
    let calls = 0;
    const flaky: ActivationSource = { ...source, next: async () => (calls++ % 3 === 2 ? Promise.reject(new Error("connection lost")) : source.next()) };
    using buffer = open(flaky);
    const batches: Numbers[] = [];
    for (let failures = 0; failures < 100; ) {
      try {
        const some = await drain(buffer, 1);
        if (some.length === 0) break;
        batches.push(...some);
      } catch (error) {
        expect((error as Error).message).toBe("connection lost");
        failures++;
      }
    }
    expect(batches).toEqual(await drain(whole));
  });

  test.each<[string, (found: Harvested) => object, string]>([
    ["another site", ({ activations }) => ({ activations: { ...activations, embed: device.zeros([19, 3]) } }), "source: expected embed to be f32[20,D], got f32[19,3]"],
    ["no site", () => ({ activations: {} }), "source: expected activations of at least one site, got none"],
    ["u32", () => ({ activations: { embed: device.zeros([20, 3], "u32") } }), "source: expected embed to be f32[20,D], got u32[20,3]"],
    ["no tensor", () => ({ activations: { embed: [1] } }), "source: expected a tensor for embed, got object"],
    ["rows that end early", () => ({ rows: { tokens: new Uint32Array(4), start: Uint32Array.of(0, 3) } }), "source: expected start to increase from 0 to 4, got [0,3]"],
    ["rows that go back", () => ({ rows: { tokens: new Uint32Array(4), start: Uint32Array.of(0, 3, 2, 4) } }), "got [0,3,2,4]"],
  ])("a source with %s is refused, and its tensors freed", async (_, change, message) => {
    const bytes = device.bytesInUse;
    using buffer = open(broken(change));
    await expect(buffer.next()).rejects.toMatchObject({ code: "SHAPE", message: expect.stringContaining(message) });
    expect(device.bytesInUse).toBe(bytes);
  });

  test("sites may not change on the way", async () => {
    const source = countingSource(device, rows, { rowsAtOnce: 1 });
    let calls = 0;
    using buffer = open({
      ...source,
      async next() {
        const found = (await source.next())!;
        return calls++ < 3 ? found : { ...found, activations: { final_norm: found.activations.final_norm } };
      },
    });
    await expect(buffer.next()).rejects.toThrow("source: expected the sites final_norm, layers.0.mlp_out, got final_norm");
  });

  test.each([
    [{ batchSize: 0 }, "buffer: expected batchSize to be a whole number of at least 1, got 0"],
    [{ capacity: 7 }, "buffer: expected capacity to be a whole number of at least 8, got 7"],
    [{ skipFirst: -1 }, "buffer: expected skipFirst to be a whole number of at least 0, got -1"],
    [{ tokens: 1.5 }, "buffer: expected tokens to be a whole number of at least 0, got 1.5"],
    [{ seed: -1 }, "rng: expected seed"],
  ])("options %j are refused", (options, message) => {
    expect(() => open(countingSource(device, rows), options)).toThrow(message);
  });

  test("two calls at once, and calls after dispose, are errors", async () => {
    const buffer = open(countingSource(device, rows));
    const [first, ...others] = await Promise.allSettled([buffer.next(), buffer.state(), buffer.next()]);
    for (const x of Object.values((first as PromiseFulfilledResult<object>).value)) x.dispose();
    expect(others).toMatchObject([{ reason: { code: "USAGE" } }, { reason: { code: "USAGE" } }]);
    const bytes = device.bytesInUse;
    const late = open(countingSource(device, rows));
    const pulled = late.next();
    late.dispose(); // while the source runs
    await expect(pulled).rejects.toMatchObject({ code: "DISPOSED" });
    expect(device.bytesInUse).toBe(bytes);
    buffer.dispose();
    await expect(buffer.next()).rejects.toMatchObject({ code: "DISPOSED" });
  });

  test("a damaged state is refused, whatever is wrong with it", async () => {
    using buffer = open(countingSource(device, rows));
    await drain(buffer, 2);
    const state = await buffer.state({ activations: true });
    const bytes = device.bytesInUse;
    const json = (change: object): BufferState => ({ ...state, json: { ...state.json, ...change } });
    const tensor = (name: string, data: ArrayBufferView, shape?: number[]): BufferState => ({
      ...state,
      tensors: state.tensors.map((t) => (t.name === name ? { ...t, data, shape: shape ?? t.shape } : t)),
    });
    const u32 = (name: string) => (state.tensors.find((t) => t.name === name)!.data as Uint32Array).slice();
    const changed = (name: string, at: number, value: number) => {
      const data = u32(name);
      data[at] = value;
      return tensor(name, data);
    };
    for (const wrong of [
      json({ version: 2 }),
      json({ batchSize: "8" }),
      json({ capacity: 3 }),
      json({ unread: 1000 }),
      json({ drawn: -1 }),
      json({ ended: undefined }),
      json({ filling: 1 }),
      { ...state, tensors: state.tensors.filter(({ name }) => name !== "rng") },
      tensor("rng", new Uint32Array(3)),
      tensor("rows.start", new Float32Array(2)),
      changed("rows.start", 1, 2 ** 31),
      changed("unread.row", 0, 999),
      changed("unread.position", 3, 999),
      tensor("unread.position", u32("unread.position").subarray(1)),
      tensor("activations.final_norm", new Float32Array(5), [1, 5]),
    ])
      await expect(restoreBuffer(countingSource(device, rows), wrong)).rejects.toMatchObject({ code: "FORMAT", message: expect.stringMatching(/^buffer state: (rng: )?expected/) });
    expect(device.bytesInUse).toBe(bytes);
  });

  test("a source that reruns other sites or shapes is refused, and nothing stays behind", async () => {
    using buffer = open(countingSource(device, rows));
    await drain(buffer, 2);
    const state = await buffer.state();
    const bytes = device.bytesInUse;
    const source = countingSource(device, rows);
    await expect(restoreBuffer({ ...source, rerun: async () => ({ embed: device.zeros([1, 3]) }) }, state)).rejects.toMatchObject({ code: "SHAPE" });
    await expect(restoreBuffer({ ...source, rerun: () => Promise.reject(new Error("out of memory")) }, state)).rejects.toThrow("out of memory");
    expect(device.bytesInUse).toBe(bytes);
  });
});
