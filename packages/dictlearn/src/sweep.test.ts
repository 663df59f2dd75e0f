import { fileURLToPath } from "node:url";
import { expectClose, devices, oracle } from "@dictlearn/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packRows } from "@dictlearn/neox";
import { analyse, openDictionary, openModel, sweep, type Dictionary, type Model, type SentenceReport } from "./index.js";

const path = (name: string) => fileURLToPath(oracle(`sparse-rep/${name}`));
const sentences = ["The lamp is on the table.", "", "It’s naïve—über café 😀…", "<|endoftext|>", "Then the river ran on and on and on and stopped."];

async function collect<Row>(rows: AsyncIterable<Row>): Promise<Row[]> {
  const all: Row[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

describe.each(await devices())("on $name", ({ device, skipped }) => {
  let model: Model;
  let dictionaries: Dictionary[];
  beforeAll(async () => {
    if (skipped) return;
    model = await openModel(path("model"), { device: device! });
    dictionaries = await Promise.all(["ae.pt", "ae_unit.pt"].map((name) => openDictionary(path(name), { device: device! })));
  });
  afterAll(async () => {
    for (const dictionary of dictionaries ?? []) dictionary.dispose();
    await model?.dispose();
  });
  const readings = () => ["layers.3.mlp_out", "layers.1.resid_post", "layers.3.attn_in", "blocks.3.hook_mlp_out"].map((site, i) => ({ site, dictionary: dictionaries[i === 3 ? 1 : 0] }));

  test.skipIf(skipped).each(["mean", "padded-mean"] as const)("one pass for several sites and dictionaries gives what each gives alone, under %s", async (pooling) => {
    const options = { pooling, top: 4 };
    const together = await collect(sweep(model, readings(), sentences, { ...options, details: true }));
    for (const [i, { site, dictionary }] of readings().entries()) {
      const alone = await collect(analyse(model, dictionary, sentences, { ...options, site, details: true }));
      if (device!.exact) expect(together.map((rows) => rows[i])).toEqual(alone);
      else together.forEach((rows, s) => expectClose(rows[i].activation, alone[s].activation, { absolute: 1e-4, relative: 1e-4 }));
    }
    if (!device!.exact || device!.kind === "webgpu") return;
    const many = Array.from({ length: 300 }, (_, i) => `Sentence ${i}${" and more".repeat(i % 9)}.`); // several batches
    const lines = (await collect(sweep(model, readings(), many, options))).map((rows) => JSON.stringify(rows));
    const each: SentenceReport[][] = [];
    for (const { site, dictionary } of readings()) each.push(await collect(analyse(model, dictionary, many, { ...options, site })));
    expect(lines).toEqual(many.map((_, s) => JSON.stringify(each.map((rows) => rows[s]))));
  });

  test.skipIf(skipped)("details are the vectors behind the numbers, and every token alone: what the model and the dictionary give for it", async () => {
    const [{ site, dictionary }] = readings();
    const plain = await collect(analyse(model, dictionary, sentences, { site, top: 3 }));
    const rows = await collect(analyse(model, dictionary, sentences, { site, top: 3, details: true }));
    expect(rows.map(({ sentence, tokens, original, sparse, top }) => ({ sentence, tokens, original, sparse, top }))).toEqual(plain);
    for (const { sentence, tokens, activation, features, sparse, perToken } of rows) {
      const ids = Uint32Array.from(perToken, ({ id }) => id);
      expect([perToken.map(({ text }) => text).join(""), ids, features.values.length]).toEqual([sentence, model.tokenizer.encode(sentence).subarray(0, 128), sparse.l0 ?? 0]);
      if (tokens === 0) continue;
      const { x, features: f } = await everyToken(model, dictionary, { ids, site });
      const mean = Float32Array.from(activation, (_, d) => perToken.reduce((sum, _, t) => sum + x[t * model.width + d], 0) / tokens);
      expectClose(activation, mean, { absolute: 1e-5, relative: 1e-5 });
      perToken.forEach(({ features: { index, values } }, t) => {
        const [from, to] = [f.rowStart[t], f.rowStart[t + 1]];
        expect(Array.from(index)).toEqual([...f.index.subarray(from, to)].filter((_, i) => f.values[from + i] !== 0));
        expectClose(values as Float32Array, f.values.subarray(from, to).filter((value) => value !== 0), { absolute: 1e-5, relative: 1e-5 });
      });
    }
  });

  test.skipIf(skipped).each(["mean", "padded-mean", "max", "last"] as const)("a sentence of one token has the features of that token, under %s", async (pooling) => {
    for (const reading of readings()) {
      const [row] = await collect(analyse(model, reading.dictionary, ["<|endoftext|>"], { site: reading.site, pooling, details: true }));
      expect(row.perToken).toEqual([{ id: 0, text: "<|endoftext|>", features: row.features }]);
    }
  });

  test.skipIf(skipped)("metrics are those of all tokens, by brute force, whatever the pooling", async () => {
    const expected: Awaited<ReturnType<typeof bruteForce>>[] = [];
    for (const { site, dictionary } of readings()) expected.push(await bruteForce(model, dictionary, site));
    for (const pooling of ["mean", "padded-mean"] as const) {
      const rows = sweep(model, readings(), sentences, { pooling, measured: true });
      expect(rows.metrics()).toEqual([null, null, null, null]);
      await collect(rows);
      rows.metrics().forEach((metrics, i) => {
        expect(metrics!.tokens).toBe(expected[i].tokens);
        const { l0, frac_variance_explained: fve, cossim } = metrics!;
        expectClose([l0, fve, cossim], [expected[i].l0, expected[i].fve, expected[i].cossim], { absolute: 1e-5, relative: 1e-5 });
      });
    }
    expect(() => sweep(model, readings(), sentences).metrics()).toThrow("measured");
  });
});

/** A text of its own: its activations f32[T,D], their features and their reconstructions. */
async function everyToken(model: Model, dictionary: Dictionary, { ids, site }: { ids: Uint32Array; site: string }) {
  const read: Promise<unknown>[] = [];
  await model.neox.run(packRows([ids]), { at: { [site]: (x) => void read.push(x.read()) } });
  const [x] = (await Promise.all(read)) as Float32Array[];
  const [features, hat] = await model.device.scope(() => {
    const given = model.device.tensor(x, [ids.length, model.width]);
    const f = dictionary.encode(given);
    return Promise.all([f.read(), dictionary.decode(f, given).read() as Promise<Float32Array>]);
  });
  return { x, hat, features };
}

/** In plain loops, token by token. */
async function bruteForce(model: Model, dictionary: Dictionary, site: string) {
  const D = model.width;
  const [xs, hats]: [number[][], number[][]] = [[], []];
  let active = 0;
  for (const sentence of sentences.filter((text) => text !== "")) {
    const { x, hat, features: { values } } = await everyToken(model, dictionary, { ids: model.tokenizer.encode(sentence).subarray(0, 128), site });
    for (let start = 0; start < x.length; start += D) {
      xs.push([...x.subarray(start, start + D)]);
      hats.push([...hat.subarray(start, start + D)]);
    }
    active += values.filter((value) => value !== 0).length;
  }
  const N = xs.length;
  const total = (rows: number[][]) => Array.from({ length: D }, (_, d) => rows.reduce((sum, row) => sum + row[d], 0) / N).reduce((sum, mean, d) => sum + rows.reduce((part, row) => part + (row[d] - mean) ** 2, 0), 0);
  const dot = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i], 0);
  return {
    tokens: N,
    l0: active / N,
    fve: 1 - total(xs.map((row, n) => row.map((value, d) => value - hats[n][d]))) / total(xs),
    cossim: xs.reduce((sum, x, n) => sum + dot(x, hats[n]) / Math.sqrt(dot(x, x) * dot(hats[n], hats[n])), 0) / N,
  };
}
