import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openSafetensors } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";
import { openNeox, packRows, parseConfig } from "@dictlearn/neox";
import { AliveFeatures, readDictionaryLearning } from "@dictlearn/sae";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { evaluateRows, type LossMetrics } from "./evaluate.js";
import { evaluate, evaluateEach, openDictionary, openModel } from "./index.js";

const at = (path: string) => fileURLToPath(oracle(`metrics/${path}`));
const { results }: { results: Record<string, { without_targets_predicted_from_padding: LossMetrics }> } = JSON.parse(readFileSync(at("loss_recovered/expected.json"), "utf8"));
const batches = readOracle("metrics/loss_recovered/batches.safetensors");
const sites = { resid: "layers.1.resid_post", mlp: "layers.1.mlp_out" };

/** The real tokens of each row. */
function rowsOf(batch: string) {
  const ids = batches[`${batch}/input_ids`];
  const mask = batches[`${batch}/attention_mask`];
  const [R, T] = ids.shape;
  return packRows(Array.from({ length: R }, (_, r) => Array.from(ids.data.subarray(r * T, (r + 1) * T) as ArrayLike<number>, Number).filter((_, t) => Number(mask.data[r * T + t]) === 1)));
}

describe.each(await devices())("on $name", ({ device, skipped }) => {
  const cases = (["resid", "mlp"] as const).flatMap((site) => [["unpadded", 64 * 2 ** 20], ["right_padded", 64 * 2 ** 20], ["right_padded", 1]].map(([batch, activationBytes]) => ({ site, batch: String(batch), activationBytes: Number(activationBytes) })));
  test.skipIf(skipped).each(cases)("losses at $site, $batch, parts of $activationBytes bytes, are those of dictionary_learning", async ({ site, batch, activationBytes }) => {
    await using source = await fileSource(at("tiny_neox/model.safetensors"));
    using neox = openNeox({ device: device!, config: parseConfig(JSON.parse(readFileSync(at("tiny_neox/config_v4.json"), "utf8"))), weights: await openSafetensors(source), activationBytes });
    await using weights = await fileSource(at(`loss_recovered/${site}_relu.safetensors`));
    const dictionary = await readDictionaryLearning(await openSafetensors(weights), { device: device!, normalizeDecoder: false });
    const [metrics] = await evaluateRows(neox, [{ dictionary, site: sites[site], alive: new AliveFeatures(dictionary.F) }], rowsOf(batch));
    dictionary.dispose();
    const names = ["loss_original", "loss_reconstructed", "loss_zero", "frac_recovered"] as const;
    const expected = results[`${site}/relu/${batch}`].without_targets_predicted_from_padding;
    expectClose(names.map((name) => metrics[name]), names.map((name) => expected[name]), { absolute: 1e-4 });
  });
});

describe("texts", async () => {
  const [{ device }] = await devices();
  const texts = Array.from({ length: 10 }, (_, i) => ({ text: i === 3 ? "" : `The state of the union is strong, and we have done ${i} things for the people of this nation.` }));

  test("batches are averaged, texts without tokens left out, and nothing stays on the device", async () => {
    const before = device!.bytesInUse;
    const [model, dictionary] = await Promise.all([openModel("demo", { device: device! }), openDictionary("demo", { device: device! })]);
    const run = (from: number, to: number, batches: number) => evaluate(model, dictionary, texts.slice(from, to), { site: "layers.3.mlp_out", contextLength: 16, batchSize: 3, batches });
    const [both, first, second] = [await run(0, 7, 2), await run(0, 4, 1), await run(4, 7, 1)];
    expect(both.frac_alive).toBeGreaterThanOrEqual(Math.max(first.frac_alive, second.frac_alive));
    for (const name of ["l0", "frac_variance_explained", "loss_reconstructed", "frac_recovered"] as const) expect(both[name]).toBeCloseTo((first[name] + second[name]) / 2, 10);
    expect(both.feature_density.tokens).toBe(first.feature_density.tokens + second.feature_density.tokens);
    expect(both.feature_density.features.reduce((sum, n) => sum + n, 0) / dictionary.F).toBeCloseTo(both.frac_alive, 12);
    expect(both.feature_density.silent / dictionary.F).toBeCloseTo(1 - both.frac_alive, 12);
    // The demo's README: 0.81 of the variance, 34.5 features, on held-out addresses.
    expect(both.frac_variance_explained).toBeGreaterThan(0.6);
    expect(both.frac_recovered).toBeGreaterThan(0.5);
    dictionary.dispose();
    await model.dispose();
    expect(device!.bytesInUse).toBe(before);
  });

  test("several dictionaries, of two sites, in one pass: each as alone", async () => {
    const [model, dictionary] = await Promise.all([openModel("demo", { device: device! }), openDictionary("demo", { device: device! })]);
    const options = { contextLength: 16, batchSize: 4, batches: 2 };
    const asked = ["layers.3.mlp_out", "layers.1.resid_post", "mlp_out_layer3"];
    let passes = 0;
    const { neox } = model;
    const counting = { ...model, neox: { device: neox.device, loss: (...args: Parameters<typeof neox.loss>) => (passes++, neox.loss(...args)) } } as unknown as typeof model;
    const seen: number[] = [];
    const together = await evaluateEach(counting, asked.map((site) => ({ dictionary, site })), texts, { ...options, onTokens: (tokens) => seen.push(tokens) });
    expect(passes).toBe(2 * (1 + 2 + 3)); // of two batches: as it is, with nothing at each site, with each reconstruction
    for (const [i, site] of asked.entries()) expect(together[i]).toEqual(await evaluate(model, dictionary, texts, { site, ...options }));
    expect(together[2]).toEqual(together[0]);
    expect(together[1]).not.toEqual(together[0]);
    expect(seen).toEqual([seen[0], together[0].feature_density.tokens]);
    dictionary.dispose();
    await model.dispose();
  });

  test("none, a dictionary of another width and a transcoder are errors", async () => {
    const model = await openModel("demo", { device: device! });
    const dictionary = await openDictionary("demo", { device: device! });
    await expect(evaluate(model, dictionary, [{ text: "" }], { site: "layers.3.mlp_out" })).rejects.toMatchObject({ code: "USAGE", message: "texts: expected some of two tokens or more, got none" });
    const other = await openDictionary(fileURLToPath(oracle("sparse-rep/ae.pt")), { device: device! });
    await expect(evaluate(model, other, texts, { site: "layers.3.mlp_out" })).rejects.toMatchObject({ code: "SHAPE" });
    const transcoder = await openDictionary(fileURLToPath(oracle("formats/sparsify/transcoder")), { device: device! });
    await expect(evaluate(model, transcoder, texts, { site: "layers.3.mlp_out" })).rejects.toMatchObject({ code: "UNSUPPORTED", message: "AutoEncoderTopK: expected an autoencoder, which gives its activations again, got a transcoder (12 to 12)" });
    for (const one of [dictionary, other, transcoder]) one.dispose();
    await model.dispose();
  });
});
