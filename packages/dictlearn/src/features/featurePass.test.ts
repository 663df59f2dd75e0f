import { fileURLToPath } from "node:url";
import { type Device, SparseFeatures, sub, type Tensor } from "@dictlearn/kernels";
import { packRows } from "@dictlearn/neox";
import { type FeatureExample } from "@dictlearn/report";
import { autoEncoder, type Dictionary } from "@dictlearn/sae";
import { devices, expectClose, oracle, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { type Cursor, decoderFacts, featureDetails, FeaturePass, type FeaturePassOptions, type FeaturePassState, type Model, openDictionary, openModel, openTexts } from "../index.js";

const small = { model: fileURLToPath(oracle("sparse-rep/model")), dictionary: fileURLToPath(oracle("sparse-rep/ae.pt")) };
const options: FeaturePassOptions = { site: "layers.3.mlp_out", tokens: 500, contextLength: 24, rows: "packed", skipFirst: 1, examples: 3, samples: 2, window: 10, ablate: 1 };

async function drain(pass: FeaturePass): Promise<FeaturePass> {
  while (await pass.readSome());
  while (await pass.ablateSome());
  return pass;
}

const texts = (cursor?: Cursor) => openTexts("demo", { cursor });

/** The corpus' first tokens in rows, and every feature of each: written straight, a row at a time. */
async function straight(model: Model, dictionary: Dictionary, { tokens, contextLength, site }: FeaturePassOptions) {
  const ids: number[] = [];
  for await (const { text } of openTexts("demo")) {
    ids.push(...model.tokenizer.encode(text), model.tokenizer.endOfText);
    if (ids.length > tokens + contextLength) break;
  }
  const rows: { tokens: number[]; dense: Float32Array[] }[] = [];
  for (let at = 0; at < tokens; at += contextLength) {
    const row = ids.slice(at, at + contextLength);
    let read: Promise<unknown> | undefined;
    await model.neox.run(packRows([row]), { at: { [site]: (x: Tensor) => void (read = x.read()) } });
    const x = (await read) as Float32Array;
    const { rowStart, index, values } = await dictionary.device.scope(() => dictionary.encode(dictionary.device.tensor(x, [row.length, dictionary.D])).read());
    const dense = row.map((_, t) => {
      const all = new Float32Array(dictionary.F);
      for (let i = rowStart[t]; i < rowStart[t + 1]; i++) all[index[i]] = values[i];
      return all;
    });
    rows.push({ tokens: row, dense });
  }
  return rows;
}

/** What a pass says of each feature must be what sorting everything says. */
async function expectStraight(model: Model, dictionary: Dictionary, pass: FeaturePass, asked: FeaturePassOptions): Promise<void> {
  const rows = await straight(model, dictionary, asked);
  expect([pass.statistics.rows, pass.statistics.tokens]).toEqual([rows.length, rows.reduce((sum, { tokens }) => sum + tokens.length - asked.skipFirst, 0)]);
  const details = featureDetails(pass, { lens: undefined, promoted: undefined, suppressed: undefined, nearest: [] }, { start: 0, end: dictionary.F });
  for (const { index, count, max, mean, histogram, examples } of details) {
    const active = rows.flatMap(({ dense }) => dense.slice(asked.skipFirst).map((one) => one[index])).filter((x) => x !== 0);
    expect(count).toBe(active.length);
    expect(histogram.counts.reduce((a, b) => a + b, 0)).toBe(count);
    const peaks = rows.map(({ dense }, row) => ({ row, peak: Math.max(...dense.slice(asked.skipFirst).map((one) => one[index])) })).filter(({ peak }) => peak > 0);
    const best = [...peaks].sort((a, b) => b.peak - a.peak || a.row - b.row).slice(0, asked.examples);
    expectClose([max, mean], [best[0]?.peak ?? 0, active.length ? active.reduce((a, b) => a + b, 0) / active.length : 0], { relative: 1e-5 });
    expectClose(examples.map(({ values, peak }) => values[peak]), best.map(({ peak }) => peak), { absolute: 1e-6, relative: 1e-5 });
    examples.forEach(({ row, position, tokens, values, peak }) => {
      const from = position - peak;
      expect(tokens).toEqual(rows[row].tokens.slice(from, from + asked.window));
      expectClose(values, rows[row].dense.slice(from, from + asked.window).map((one, t) => (from + t < asked.skipFirst ? 0 : one[index])), { absolute: 1e-6, relative: 1e-5 });
    });
    if (dictionary.device.exact) expect(examples.map(({ row }) => row)).toEqual(best.map(({ row }) => row));
  }
}

/** Takes a feature out of an example by hand: every token of the row up to the peak, with a hook, one row. */
async function byHand(model: Model, dictionary: Dictionary, site: string, row: Uint32Array, feature: number, position: number) {
  const { device } = model;
  const rows = packRows([row.subarray(0, position + 1)]);
  const run = async (hook?: (x: Tensor) => Tensor) => {
    const { logits } = await model.neox.run(rows, { logits: "last", ...(hook && { at: { [site]: hook } }) });
    const all = Array.from((await logits!.read()) as Float32Array);
    logits!.dispose();
    const top = Math.max(...all);
    const whole = top + Math.log(all.reduce((sum, x) => sum + Math.exp(x - top), 0));
    return all.map((x) => x - whole);
  };
  const n = position + 1;
  let read: Promise<unknown> | undefined;
  await model.neox.run(rows, { at: { [site]: (x) => void (read = x.read()) } });
  const x = (await read) as Float32Array;
  const entries = await device.scope(() => dictionary.encode(device.tensor(x, [n, dictionary.D])).read());
  const values = Float32Array.from({ length: n }, (_, t) => {
    const at = entries.index.subarray(entries.rowStart[t], entries.rowStart[t + 1]).indexOf(feature);
    return at < 0 ? 0 : entries.values[entries.rowStart[t] + at];
  });
  const only = (scale: number) => new SparseFeatures([n, dictionary.F], device.tensor(Uint32Array.from({ length: n + 1 }, (_, t) => t), [n + 1]), device.tensor(new Uint32Array(n).fill(feature), [n]), device.tensor(values.map((x) => scale * x), [n]));
  const p = await run();
  const q = await run((x) => sub(x, sub(dictionary.decode(only(1), x), dictionary.decode(only(0), x))));
  return { p, q };
}

async function expectAblated(model: Model, dictionary: Dictionary, site: string, rowOf: (row: number) => Uint32Array, feature: number, { row, position, ablation }: FeatureExample) {
  const { p, q } = await byHand(model, dictionary, site, rowOf(row), feature, position);
  const next = rowOf(row)[position + 1];
  if (next === undefined) expect(ablation!.lossChange).toBeUndefined();
  else expect(ablation!.lossChange).toBeCloseTo(p[next] - q[next], 4);
  const change = (token: number) => Math.exp(q[token]) - Math.exp(p[token]);
  const order = p.map((_, token) => change(token)).sort((a, b) => a - b);
  for (const [side, expected] of [[ablation!.falls, order], [ablation!.rises, order.slice().reverse()]] as const) {
    expectClose(side.map(({ before }) => before), side.map(({ token }) => Math.exp(p[token])), { absolute: 1e-5 });
    expectClose(side.map(({ after }) => after), side.map(({ token }) => Math.exp(q[token])), { absolute: 1e-5 });
    expectClose(side.map(({ before, after }) => after - before), expected.slice(0, side.length), { absolute: 1e-5 });
  }
}

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped)("densities and examples are those of encoding everything and sorting; a feature taken out is what a hook by hand does", async () => {
    const before = device!.bytesInUse;
    const [model, dictionary] = await Promise.all([openModel(small.model, { device: device! }), openDictionary(small.dictionary, { device: device! })]);
    const asked = device!.kind === "webgpu" ? { ...options, tokens: 48 } : options; // a software GPU is slow
    const pass = new FeaturePass(model, dictionary, texts, asked);
    while (await pass.readSome());
    await expectStraight(model, dictionary, pass, asked);
    await pass.ablateSome();
    expect(pass.ablated.of).toBe(Array.from(pass.statistics.counts).filter((n) => n > 0).length);
    const details = featureDetails(pass, await decoderFacts(model, dictionary, { site: options.site, tokens: 3, nearest: 2 }), { start: 0, end: dictionary.F });
    const done = details.filter(({ examples }) => examples[0]?.ablation);
    expect(done.length).toBeGreaterThan(20);
    for (const { index, examples } of done.slice(0, 3)) await expectAblated(model, dictionary, options.site, (row) => pass.statistics.store.tokens(row), index, examples[0]);
    dictionary.dispose();
    await model.dispose();
    expect(device!.bytesInUse).toBe(before);
  });
});

describe("on one thread and on two", async () => {
  const [{ device: one }, { device: two }] = await devices();
  const open = async (device: Device) => ({ model: await openModel("demo", { device }), dictionary: await openDictionary("demo", { device }) });
  const asked: FeaturePassOptions = { ...options, tokens: 640, contextLength: 64, window: 16, skipFirst: 0, examples: 2 };

  test("on the demo too: densities and examples are those of encoding everything and sorting", async () => {
    const { model, dictionary } = await open(one!);
    const most = { ...asked, ablate: 0 };
    await expectStraight(model, dictionary, await drain(new FeaturePass(model, dictionary, texts, most)), most);
  });

  test("stopped anywhere, saved through bytes and taken up, a pass comes to the same, byte for byte", async () => {
    const openSmall = async (device: Device) => ({ model: await openModel(small.model, { device }), dictionary: await openDictionary(small.dictionary, { device }) });
    const [{ model, dictionary }, other] = [await openSmall(one!), await openSmall(two!)];
    const everything = (pass: FeaturePass) => JSON.stringify(featureDetails(pass, { lens: undefined, promoted: undefined, suppressed: undefined, nearest: [] }, { start: 0, end: dictionary.F }));
    const few = { ...options, tokens: 6000 };
    const whole = everything(await drain(new FeaturePass(model, dictionary, texts, few)));
    let state: FeaturePassState | undefined;
    for (let stops = 0; ; stops++) {
      const pass = new FeaturePass(stops % 2 ? other.model : model, stops % 2 ? other.dictionary : dictionary, texts, few, state);
      let more = await pass.readSome(); // one turn, then the process is gone
      if (!more) more = await pass.ablateSome();
      if (!more) {
        expect(everything(pass)).toBe(whole);
        expect(stops).toBeGreaterThan(2); // reading and taking out were both cut
        break;
      }
      await pass.close();
      const { arrays, ...rest } = pass.state();
      state = { ...JSON.parse(JSON.stringify(rest)), arrays: Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.slice()])) };
    }
  });

  test("rows of one token, and a feature that never fires", async () => {
    const { model } = await open(one!);
    const F = 3;
    const dictionary = autoEncoder(one!, { decoderBias: new Float32Array(192), encoder: seededNormal(1, F * 192), encoderBias: Float32Array.of(5, -1e9, 5), decoder: seededNormal(2, F * 192) });
    const lines = ["a", "b", "", "c"].map((text, i) => ({ text, cursor: { at: i } }));
    const pass = await drain(new FeaturePass(model, dictionary, () => lines as never, { ...asked, rows: "document" }));
    expect([pass.statistics.rows, pass.tokens]).toEqual([3, 3]);
    const [first, never] = featureDetails(pass, await decoderFacts(model, dictionary, { site: asked.site, tokens: 3, nearest: 2 }), { start: 0, end: F });
    expect(never).toMatchObject({ count: 0, max: 0, mean: 0, examples: [], samples: [], histogram: { width: 0, counts: [] } });
    expect(never.promoted).toHaveLength(3);
    expect(first.examples[0]).toMatchObject({ position: 0, peak: 0, ablation: { falls: expect.any(Array) } });
    expect(first.examples[0].ablation!.lossChange).toBeUndefined();
  });

  test("what can't be is told at once", async () => {
    const { model, dictionary } = await open(one!);
    const make = (changed: Partial<FeaturePassOptions>, other = dictionary) => () => new FeaturePass(model, other, texts, { ...asked, ...changed });
    expect(make({ site: "layers.9.mlp_out" })).toThrow(/site: expected a layer in 0\.\.5/);
    expect(make({ tokens: 0 })).toThrow("features: expected tokens to be a whole number >= 1, got 0");
    expect(make({ skipFirst: 64 })).toThrow("features: expected skipFirst below the context length, 64, got 64");
    expect(make({ contextLength: 4096 })).toThrow(/expected contextLength from 1 to 512/);
    expect(make({}, { ...dictionary, D: 64 })).toThrow("dictionary: expected D = 192 (layers.3.mlp_out of demo), got D = 64");
    expect(make({}, { ...dictionary, output: { D: 192 } })).toThrow(/expected an autoencoder to take features out of, got a transcoder/);
  });
});
