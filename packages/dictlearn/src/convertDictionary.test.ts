import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Device } from "@dictlearn/kernels";
import { formats } from "@dictlearn/sae";
import { devices, expectClose, oracle, readOracle, readSafetensors } from "@dictlearn/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cases } from "../../../oracles/formats/elsewhere.ts";
import { convertDictionary, openDictionary, readDictionary } from "./index.js";

// What SAELens, sparsify and dictionary_learning opened of what is written here (oracles/formats/README.md).

const { opened } = JSON.parse(readFileSync(oracle("formats/elsewhere.json"), "utf8")) as { opened: Record<string, Record<string, string>> };
const io = readOracle("formats/elsewhere.safetensors") as Record<string, { data: Float32Array; shape: number[] }>;
const path = (source: string) => fileURLToPath(oracle(source));
const sha256 = (file: string) => createHash("sha256").update(readFileSync(file)).digest("hex");
const largest = (values: Float32Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "convert-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Encodes x and decodes that. */
async function run(device: Device, name: string, x: { data: Float32Array; shape: number[] }, normalizeDecoder = true) {
  const dictionary = await openDictionary(name, { device, normalizeDecoder });
  const { f, xHat } = await device.scope(async () => {
    const rows = device.tensor(x.data, [x.shape[0], x.data.length / x.shape[0]]);
    const features = dictionary.encode(rows);
    const [{ rowStart, index, values }, xHat] = await Promise.all([features.read(), dictionary.decode(features, rows).read()]);
    const f = new Float32Array(features.shape[0] * features.shape[1]);
    for (let b = 0; b < features.shape[0]; b++) for (let e = rowStart[b]; e < rowStart[b + 1]; e++) f[b * features.shape[1] + index[e]] = values[e];
    return { f, xHat: xHat as Float32Array };
  });
  dictionary.dispose();
  return { f, xHat };
}

function expectSame({ f, xHat }: { f: Float32Array; xHat: Float32Array }, expected: { f: Float32Array; xHat: Float32Array }): void {
  expect(f.map((value) => Number(value !== 0))).toEqual(expected.f.map((value) => Number(value !== 0)));
  expectClose(f, expected.f, { absolute: 1e-5 * largest(expected.f) });
  expectClose(xHat, expected.xHat, { absolute: 1e-5 * largest(expected.xHat) });
}

test("everything that is written was opened", () => {
  expect(Object.keys(opened)).toEqual(Object.keys(cases));
});

describe.each(Object.entries(cases))("%s", async (name, { source, to }) => {
  const [{ device }] = await devices();
  test("is written byte for byte as it was when its library opened it", async () => {
    const { files } = await convertDictionary(path(source), join(folder, "new"), { to });
    const { class: _, ...hashes } = opened[name];
    expect(Object.fromEntries(readdirSync(join(folder, "new")).map((file) => [file, sha256(join(folder, "new", file))]))).toEqual(hashes);
    expect(Object.values(files).every((file) => file.startsWith(join(folder, "new")))).toBe(true);
  });

  test("encodes and decodes here as it did there", async () => {
    await convertDictionary(path(source), join(folder, "new"), { to });
    expectSame(await run(device!, join(folder, "new"), io[`${name}/x`]), { f: io[`${name}/f`].data, xHat: io[`${name}/x_hat`].data });
  });
});

describe("there and back", async () => {
  const [{ device }] = await devices();
  const ways: [string, string[]][] = [
    ["formats/dl/AutoEncoder", ["saelens", "dictionary-learning"]],
    ["formats/dl/AutoEncoderNew", ["saelens", "dictionary-learning"]],
    ["formats/dl/GatedAutoEncoder", ["saelens", "dictionary-learning"]],
    ["formats/dl/JumpReluAutoEncoder", ["saelens", "dictionary-learning"]],
    ["formats/dl/AutoEncoderTopK", ["saelens", "sparsify", "dictionary-learning", "saelens"]],
    ["formats/dl/BatchTopKSAE", ["saelens", "dictionary-learning", "saelens"]], // as a JumpReLU; its b_dec is folded in the middle
    ["formats/dl/MatryoshkaBatchTopKSAE", ["saelens", "dictionary-learning", "saelens"]],
    ["formats/saelens/gated", ["dictionary-learning", "saelens"]],
    ["formats/saelens/topk_rescaled", ["saelens"]],
    ["formats/sparsify/topk_expansion", ["saelens", "dictionary-learning", "sparsify"]],
  ];
  test.each(ways)("%s to %s", async (source, formatsOnTheWay) => {
    const x = readOracle(`${source}/io.safetensors`).x as { data: Float32Array; shape: number[] };
    let at = path(source);
    for (const [i, to] of formatsOnTheWay.entries()) {
      await convertDictionary(at, join(folder, String(i)), { to });
      at = join(folder, String(i));
    }
    expectSame(await run(device!, at, x), await run(device!, path(source), x));
  });

  test("a gated or top-k dictionary without apply_b_dec_to_input is folded for dictionary_learning", async () => {
    for (const name of ["gated", "topk"]) {
      const changed = join(folder, name);
      cpSync(path(`formats/saelens/${name}`), changed, { recursive: true });
      const cfg = JSON.parse(readFileSync(join(changed, "cfg.json"), "utf8")) as object;
      writeFileSync(join(changed, "cfg.json"), JSON.stringify({ ...cfg, apply_b_dec_to_input: false }));
      await convertDictionary(changed, join(folder, `${name}-new`), { to: "dictionary-learning" });
      const x = io["saelens/topk_v5/x"];
      const [before, after] = [await run(device!, changed, x), await run(device!, join(folder, `${name}-new`), x)];
      expectSame(after, before);
      expect(before.f).not.toEqual((await run(device!, path(`formats/saelens/${name}`), x)).f); // it does make a difference
    }
  });

  test("expected_average_only_in stays with SAELens until its factor is given", async () => {
    const [name, source] = ["formats/saelens/standard_expected_average", readOracle("formats/saelens/standard_expected_average/io.safetensors") as Record<string, { data: Float32Array; shape: number[] }>];
    const activationScale = source.folded_factor.data[0];
    await convertDictionary(path(name), join(folder, "unfolded"), { to: "saelens" });
    await convertDictionary(path(name), join(folder, "folded"), { to: "saelens", activationScale });
    const mode = (at: string) => (JSON.parse(readFileSync(join(folder, at, "cfg.json"), "utf8")) as { normalize_activations: string }).normalize_activations;
    expect([mode("unfolded"), mode("folded")]).toEqual(["expected_average_only_in", "none"]);
    expectSame(await run(device!, join(folder, "unfolded"), source.x), { f: source.f.data, xHat: source.x_hat.data });
    expectSame(await run(device!, join(folder, "folded"), source.x), { f: source.folded_f.data, xHat: source.folded_x_hat.data });
  });

  test("where it came from goes along, in the spelling of each library", async () => {
    await convertDictionary(path("trained/standard"), join(folder, "a"), { to: "saelens" });
    const { metadata } = JSON.parse(readFileSync(join(folder, "a/cfg.json"), "utf8")) as { metadata: object };
    expect(metadata).toMatchObject({ model_name: "org/tiny-model", hook_name: "blocks.3.hook_mlp_out", context_size: 128 });
    await convertDictionary(join(folder, "a"), join(folder, "b"), { to: "dictionary-learning" });
    expect(JSON.parse(readFileSync(join(folder, "b/config.json"), "utf8"))).toEqual({
      trainer: { dict_class: "AutoEncoder", activation_dim: 16, dict_size: 40, layer: 3, lm_name: "org/tiny-model", submodule_name: "mlp_out_layer_3" },
      buffer: { ctx_len: 128 },
    });
  });
});

test.each([
  ["saelens", "transcoder"],
  ["saelens", "skip_transcoder"],
  ["saelens", "jumprelu_transcoder"],
  ["sparsify", "transcoder"],
  ["sparsify", "skip_transcoder"],
])("a transcoder of %s, %s, is written as its library saved it: every tensor, and every word of its config but the version", async (to, name) => {
  const { files } = await convertDictionary(path(`formats/${to}/${name}`), join(folder, "new"), { to });
  const [got, expected] = [files.weights, path(`formats/${to}/${name}/${basename(files.weights)}`)].map((file) => readSafetensors(readFileSync(file)));
  expect(got).toEqual(expected);
  const [config, own] = [files.config, path(`formats/${to}/${name}/cfg.json`)].map((file) => JSON.parse(readFileSync(file, "utf8")));
  expect(config).toEqual({ ...own, ...(own.metadata && { metadata: { ...own.metadata, sae_lens_version: config.metadata.sae_lens_version } }) });
});

describe("what a format has no form for is one line, and nothing is written", () => {
  test.each([
    ["formats/dl/AutoEncoder", "sparsify", "AutoEncoder: expected AutoEncoderTopK for sparsify, which keeps the k largest features, got AutoEncoder"],
    ["formats/saelens/jumprelu", "sparsify", "JumpReluAutoEncoder: expected AutoEncoderTopK for sparsify, which keeps the k largest features, got JumpReluAutoEncoder"],
    ["formats/saelens/jumprelu_layer_norm", "dictionary-learning", "JumpReluAutoEncoder: expected an autoencoder without normalised inputs to write, got layer_norm"],
    ["formats/saelens/topk_rescaled", "sparsify", "AutoEncoderTopK: expected an autoencoder without normalised inputs to write, got constant_norm_rescale"],
    ["formats/saelens/standard_expected_average", "dictionary-learning", "AutoEncoder: expected an autoencoder without normalised inputs to write, got expected_average_only_in without the factor (activationScale)"],
    ["formats/saelens/transcoder", "dictionary-learning", "AutoEncoderNew: expected an autoencoder without normalised inputs to write, got a transcoder"],
    ["formats/sparsify/transcoder", "saelens", "AutoEncoderTopK: expected AutoEncoderNew or JumpReluAutoEncoder for SAELens' transcoders, got AutoEncoderTopK"],
    ["formats/saelens/jumprelu_transcoder", "sparsify", /^JumpReluAutoEncoder: expected AutoEncoderTopK for sparsify/],
    ["formats/sparsify/skip_transcoder", "dictionary-learning", "AutoEncoderTopK: expected an autoencoder without normalised inputs to write, got a transcoder"],
    ["formats/sparsify/groupmax", "saelens", "GroupMax: expected AutoEncoder, AutoEncoderNew, GatedAutoEncoder, JumpReluAutoEncoder, AutoEncoderTopK, BatchTopKSAE, MatryoshkaBatchTopKSAE for SAELens, got GroupMax"],
    ["formats/sparsify/groupmax", "dictionary-learning", /^GroupMax: expected AutoEncoder, .* or MatryoshkaBatchTopKSAE for dictionary_learning, got GroupMax$/],
    ["formats/dl/AutoEncoder", "sae-lens", 'format: expected dictionary-learning, saelens or sparsify, got "sae-lens"'],
  ])("%s to %s", async (source, to, message) => {
    await expect(convertDictionary(path(source), join(folder, "new"), { to })).rejects.toMatchObject({ code: expect.stringMatching(/UNSUPPORTED|USAGE/), message: typeof message === "string" ? message : expect.stringMatching(message) });
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a folder that holds something is not written to", async () => {
    await expect(convertDictionary(path("formats/dl/AutoEncoder"), path("formats/saelens/gated"), { to: "saelens" })).rejects.toMatchObject({ code: "USAGE", message: expect.stringMatching(/gated: expected a new or empty folder, got one with cfg\.json, io\.safetensors, sae_weights\.safetensors, sparsity\.safetensors$/) });
  });
});

describe("files are known by what they hold", () => {
  const put = (files: Record<string, string>) => {
    for (const [name, source] of Object.entries(files)) {
      if (source.startsWith("{") || source === "oops") writeFileSync(join(folder, name), source);
      else cpSync(path(source), join(folder, name));
    }
    return folder;
  };
  const [sae, sparse, dl] = ["formats/saelens/jumprelu", "formats/sparsify/topk", "formats/dl/JumpReluAutoEncoder"];

  test.each([
    ["saelens", { "anything.safetensors": `${sae}/sae_weights.safetensors`, "cfg.json": `${sae}/cfg.json` }, "anything.safetensors"],
    ["saelens", { "sae.safetensors": `${sae}/sae_weights.safetensors`, "cfg.json": `${sae}/cfg.json` }, ""],
    ["saelens", { "ae.pt": `${sae}/sae_weights.safetensors`, "config.json": `${sae}/cfg.json` }, ""],
    ["sparsify", { "sae_weights.safetensors": `${sparse}/sae.safetensors`, "config.json": `${sparse}/cfg.json` }, ""],
    ["sparsify", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": `${sparse}/cfg.json`, "config.json": '{"model_type": "gpt_neox"}' }, ""],
    ["dictionary-learning", { "sae_weights.safetensors": `${dl}/ae.pt`, "cfg.json": `${dl}/config.json` }, ""],
    ["dictionary-learning", { "ae.pt": `${dl}/ae.pt`, "config.json": '{"model_type": "gpt_neox"}' }, ""],
  ])("%s from %o", async (expected, files, inside) => {
    expect((await readDictionary(join(put(files), inside))).format.name).toBe(expected);
  });

  test("every format's own fixtures", async () => {
    for (const [name, sources] of Object.entries({ saelens: readdirSync(path("formats/saelens")).map((one) => `saelens/${one}`), sparsify: readdirSync(path("formats/sparsify")).map((one) => `sparsify/${one}`), "dictionary-learning": readdirSync(path("formats/dl")).map((one) => `dl/${one}`) }))
      for (const source of sources) expect([source, (await readDictionary(path(`formats/${source}`))).format.name]).toEqual([source, name]);
    expect(formats.length).toBe(3);
  });

  test.each<[string, Record<string, string>, string, RegExp]>([
    ["two dictionaries", { "ae.pt": `${dl}/ae.pt`, "sae.safetensors": `${sparse}/sae.safetensors` }, "", /expected one dictionary, got ae\.pt and sae\.safetensors$/],
    ["sparsify's config, SAELens' weights", { "sae.safetensors": `${sae}/sae_weights.safetensors`, "cfg.json": `${sparse}/cfg.json` }, "", /expected the tensors of sparsify, whose cfg\.json is beside it \(num_latents or expansion_factor\), got those of SAELens: W_dec, W_enc, b_dec, b_enc, threshold$/],
    ["SAELens' config, sparsify's weights", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": `${sae}/cfg.json` }, "", /expected the tensors of SAELens, whose cfg\.json is beside it \(d_sae\), got those of sparsify: /],
    ["SAELens' config, dictionary_learning's weights", { "ae.pt": `${dl}/ae.pt`, "cfg.json": `${sae}/cfg.json` }, "", /expected a safetensors file, as the cfg\.json beside it is SAELens's \(d_sae\), got a torch file with W_enc, b_enc/],
    ["no config", { "sae_weights.safetensors": `${sae}/sae_weights.safetensors` }, "", /expected a config beside these tensors of SAELens \(cfg\.json with d_sae\), got none$/],
    ["another config", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": '{"hidden": 4}' }, "", /got cfg\.json with hidden$/],
    ["weights of something else", { "model.safetensors": "sparse-rep/model/model.safetensors" }, "model.safetensors", /expected a dictionary of dictionary_learning, SAELens or sparsify, got tensors .*; no config$/],
    ["a config that is no JSON", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": "oops" }, "", /cfg\.json: expected JSON, got/],
    ["nothing", {}, "", /expected a dictionary \(ae\.pt, sae_weights\.safetensors or sae\.safetensors\), got none of them$/],
    ["other widths", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": '{"num_latents": 41, "d_in": 12, "k": 5}' }, "", /expected encoder\.bias \[41\], got \[40\]$/],
    ["no k", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": '{"num_latents": 40, "d_in": 12, "k": 0}' }, "", /expected k to be a whole number > 0, got 0 \(cfg\.json\)$/],
    ["too large a k", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": '{"num_latents": 40, "d_in": 12, "k": 41}' }, "", /expected k from 1 to 40, got 41 \(cfg\.json\)$/],
    ["groups that don't divide", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": '{"num_latents": 40, "d_in": 12, "k": 7, "activation": "groupmax"}' }, "", /expected k that divides 40, got 7 \(cfg\.json\)$/],
    ["an unknown activation", { "sae.safetensors": `${sparse}/sae.safetensors`, "cfg.json": '{"num_latents": 40, "d_in": 12, "activation": "relu"}' }, "", /expected activation topk or groupmax, not signed, got \{"activation":"relu"\} \(cfg\.json\)$/],
    ["an unknown architecture", { "sae_weights.safetensors": `${sae}/sae_weights.safetensors`, "cfg.json": '{"d_in": 12, "d_sae": 40, "architecture": "temporal"}' }, "", /expected architecture standard, gated, .* or a transcoder, got "temporal" \(cfg\.json\)$/],
    ["an architecture of other tensors", { "sae_weights.safetensors": `${sae}/sae_weights.safetensors`, "cfg.json": '{"d_in": 12, "d_sae": 40, "architecture": "gated"}' }, "", /expected W_enc, W_dec, b_dec, b_gate, b_mag, r_mag \(gated\), got no b_gate, b_mag, r_mag$/],
    ["whitened activations", { "sae_weights.safetensors": `${sae}/sae_weights.safetensors`, "cfg.json": '{"d_in": 12, "d_sae": 40, "architecture": "jumprelu", "normalize_activations": "covariance_whitening"}' }, "", /expected normalize_activations none, .*, got "covariance_whitening" \(cfg\.json\)$/],
  ])("%s: what was found is said in one line", async (_, files, inside, message) => {
    const error = await readDictionary(join(put(files), inside)).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: expect.stringMatching(/FORMAT|UNSUPPORTED|NOT_FOUND/), message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain("\n");
  });
});
