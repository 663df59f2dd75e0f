import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expectClose, devices, oracle } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";
import { analyse, openDictionary, openModel, type AnalyseOptions, type Dictionary, type Model, type SentenceReport, type SentenceSource } from "./index.js";

interface Stats {
  mean: number;
  variance: number;
  max_weight: number;
  max_position: number;
}
type Vector = { features: number[]; original_stats: Stats; sparse_stats: Stats } | null;
interface Case {
  name: string;
  ae: string;
  layer: number;
  normalize_decoder: boolean;
  sentences: { text: string; tokens: number; masked: Vector; padded: Vector }[];
}
const { cases }: { cases: Case[] } = JSON.parse(readFileSync(oracle("sparse-rep/expected.json"), "utf8"));
const path = (name: string) => fileURLToPath(oracle(`sparse-rep/${name}`));

async function collect(rows: AsyncIterable<SentenceReport>): Promise<SentenceReport[]> {
  const all: SentenceReport[] = [];
  for await (const row of rows) all.push(row);
  return all;
}

describe.each(await devices())("on $name", ({ device, skipped }) => {
  /** Opens the small model and a dictionary, analyses, and closes them. */
  async function run(sentences: readonly string[], options: AnalyseOptions, { ae = "ae.pt", normalizeDecoder = true } = {}): Promise<SentenceReport[]> {
    const model = await openModel(path("model"), { device: device! });
    const dictionary = await openDictionary(path(ae), { device: device!, normalizeDecoder });
    try {
      return await collect(analyse(model, dictionary, sentences, options));
    } finally {
      dictionary.dispose();
      await model.dispose();
    }
  }

  const runs = cases.flatMap((one) => (["mean", "padded-mean"] as const).map((pooling) => ({ ...one, pooling })));
  test.skipIf(skipped).each(runs)("$name with $pooling is what transformers and dictionary_learning compute", async ({ ae, layer, normalize_decoder, sentences, pooling }) => {
    const texts = sentences.map(({ text }) => text);
    const rows = await run(texts, { site: `layers.${layer}.mlp_out`, pooling, top: 96 }, { ae, normalizeDecoder: normalize_decoder });
    expect(rows.map(({ sentence, tokens }) => [sentence, tokens])).toEqual(sentences.map(({ text, tokens }) => [text, tokens]));
    sentences.forEach(({ tokens, masked, padded }, i) => {
      if (tokens === 0) return;
      const { features, original_stats, sparse_stats } = (pooling === "mean" ? masked : padded)!;
      const { original, sparse, top } = rows[i];
      const numbers = (stats: Stats) => [stats.mean, stats.variance, stats.max_weight];
      const got = [original, sparse].flatMap(({ mean, variance, maxWeight }) => [mean!, variance!, maxWeight!]);
      expectClose(got, [...numbers(original_stats), ...numbers(sparse_stats)], { absolute: 1e-4, relative: 1e-5 });
      expect([original.maxPosition, sparse.maxPosition]).toEqual([original_stats.max_position, sparse_stats.max_position]);
      const dense = new Float32Array(features.length);
      for (const { feature, weight } of top) dense[feature] = weight;
      expectClose(dense, features, { absolute: 1e-4, relative: 1e-5 });
      expect(sparse.l0).toBe(features.filter((value) => value > 0).length);
    });
  });

  test.skipIf(skipped)("nothing is left on the device", async () => {
    const before = device!.bytesInUse;
    await run(["One.", "", "Two and three."], { site: "layers.1.resid_post", pooling: "max" });
    expect(device!.bytesInUse).toBe(before);
  });
});

describe("a row", async () => {
  const [{ device }] = await devices();
  const model: Model = await openModel(path("model"), { device: device! });
  const dictionary: Dictionary = await openDictionary(path("ae.pt"), { device: device! });
  afterAll(async () => {
    dictionary.dispose();
    await model.dispose();
  });
  const rows = (sentences: SentenceSource, options: Partial<AnalyseOptions> = {}) => collect(analyse(model, dictionary, sentences, { site: "mlp_out_layer3", top: 3, ...options }));

  test("is the same bytes alone, among 300 others and in another order", async () => {
    const sentences = Array.from({ length: 300 }, (_, i) => `Sentence ${i}${" and more".repeat(i % 7)}.`); // several batches
    const all = await rows(sentences);
    expect(await rows([...sentences].reverse())).toEqual([...all].reverse());
    for (const i of [0, 6, 299]) expect(await rows([sentences[i]])).toEqual([all[i]]);
  });

  test("without tokens has empty statistics, whatever the pooling", async () => {
    const nothing = { mean: null, variance: null, maxWeight: null, maxPosition: null };
    const empty = { sentence: "", tokens: 0, original: nothing, sparse: { ...nothing, l0: null }, top: [] };
    for (const pooling of ["mean", "padded-mean", "max", "last"] as const) {
      expect(await rows([""], { pooling })).toEqual([empty]);
      expect((await rows(["", "Ok", ""], { pooling })).map(({ tokens }) => tokens > 0)).toEqual([false, true, false]);
    }
  });

  test("of one token is that token under mean, max and last", async () => {
    const [mean, max, last] = await Promise.all((["mean", "max", "last"] as const).map((pooling) => rows(["<|endoftext|>"], { pooling })));
    expect(mean[0].tokens).toBe(1);
    expect([max, last]).toEqual([mean, mean]);
  });

  test("over the model's context is cut, and the caller told", async () => {
    const notices: string[] = [];
    const [short, long] = await rows(["Short.", "word ".repeat(300)], { onNotice: (notice) => notices.push(notice) });
    expect([short.tokens < 10, long.tokens]).toEqual([true, 128]);
    expect(notices).toEqual([expect.stringMatching(/^sentence 2: cut to the model's context of 128 tokens, it has \d+$/)]);
  });

  test("is not computed for nobody: no sentences, no rows", async () => {
    expect(await rows([])).toEqual([]);
  });

  test("is the same of a stream, of a function that opens one, and of an array; padded-mean reads twice", async () => {
    const sentences = Array.from({ length: 40 }, (_, i) => `Sentence ${i}${" and more".repeat(i % 7)}.`);
    async function* stream() {
      yield* sentences;
    }
    const all = await rows(sentences);
    for (const source of [stream(), stream, new Set(sentences), () => sentences]) expect(await rows(source)).toEqual(all);
    expect(await rows(stream, { pooling: "padded-mean" })).toEqual(await rows(sentences, { pooling: "padded-mean" }));
    expect(() => rows(stream(), { pooling: "padded-mean" })).toThrow(expect.objectContaining({ code: "USAGE", message: expect.stringContaining("a function that opens them again") }));
    expect(() => rows("one text")).toThrow("sentences: expected a list of them");
  });

  test("is given before the stream is read far beyond it, and the stream is closed when nobody wants more", async () => {
    let [taken, closed] = [0, false];
    function* endless() {
      try {
        for (;;) yield `Sentence ${taken++} of a stream without an end.`;
      } finally {
        closed = true;
      }
    }
    let seen = 0;
    for await (const { sentence } of analyse(model, dictionary, endless(), { site: "mlp_out_layer3" })) {
      expect(sentence).toBe(`Sentence ${seen} of a stream without an end.`);
      expect(taken - seen).toBeLessThan(600); // 2,048 tokens
      if (++seen === 1500) break;
    }
    expect(closed).toBe(true);
  });

  test("of a stream that fails comes for all before it that filled a batch, then the fault", async () => {
    function* failing() {
      for (let i = 0; i < 1000; i++) yield `Sentence ${i}.`;
      throw new Error("the disk is gone");
    }
    const got: unknown[] = [];
    await expect(async () => {
      for await (const row of analyse(model, dictionary, failing(), { site: "mlp_out_layer3" })) got.push(row);
    }).rejects.toThrow("the disk is gone");
    expect(got.length).toBeGreaterThan(100);
  });

  test("of a text far beyond the context is read from its beginning alone", async () => {
    const notices: string[] = [];
    const start = "The lamp is on the table and the river ran on. ".repeat(40);
    const [short, long] = await rows([start, start + "more of it ".repeat(200_000)], { onNotice: (notice) => notices.push(notice) });
    expect({ ...long, sentence: start }).toEqual(short);
    expect(notices[1]).toBe("sentence 2: cut to the model's context of 128 tokens, it has 2,201,880 characters");
  });

  test("of what is no text is refused, and which it is told", async () => {
    await expect(rows(["Ok", 42 as unknown as string])).rejects.toThrow("sentence 2: expected a text, got number");
  });

  test("with a dictionary of another width is refused at once", async () => {
    const other = await openDictionary("demo", { device: device! });
    expect(() => analyse(model, other, ["Ok"], { site: "layers.3.mlp_out" })).toThrow(`dictionary: expected D = 32 (layers.3.mlp_out of ${path("model")}), got D = 192`);
    other.dispose();
  });

  test("of a site that does not exist is refused at once, with the nearest", () => {
    expect(() => analyse(model, dictionary, ["Ok"], { site: "layers.3.mlp_ot" })).toThrow(expect.objectContaining({ code: "USAGE", remedy: expect.stringContaining("layers.3.mlp_out") }));
  });
});
