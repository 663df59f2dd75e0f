import { devices, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense, expectNear, jsonOracle, openOracle } from "../../test/oracles.js";
import { readDictionaryLearning } from "../index.js";

// A whole run directory of dictionary_learning's trainSAE, nine trainers with two checkpoints each, against its formulas in
// float64, straight from the tensors of the file.

type Numbers = ArrayLike<number>;
type Tensors = Record<string, { shape: readonly number[]; data: Numbers }>;
const [D, F] = [12, 40];
const relu = (v: number) => Math.max(0, v);
/** Σ_d x[d] m[d,f] for a matrix [D,F] or [F,D]. */
const product = (x: Numbers, { shape, data }: Tensors[string], f: number) => Array.from(x).reduce((sum, v, d) => sum + v * (shape[0] === D ? data[d * F + f] : data[f * D + d]), 0);
const encodeRelu = (t: Tensors, x: Numbers, centre: Numbers, encoder = "encoder.weight", bias = "encoder.bias") => {
  const centred = Array.from(x, (v, d) => v - centre[d]);
  return Array.from({ length: F }, (_, f) => relu(product(centred, t[encoder], f) + t[bias].data[f]));
};
const above = (f: number[], threshold: number) => f.map((v) => (v > threshold ? v : 0));

const formulas: Record<string, (t: Tensors, x: Numbers) => { f: number[]; bias: Numbers; decoder: Tensors[string] }> = {
  AutoEncoder: (t, x) => ({ f: encodeRelu(t, x, t.bias.data), bias: t.bias.data, decoder: t["decoder.weight"] }),
  GatedAutoEncoder: (t, x) => ({
    f: Array.from({ length: F }, (_, f) => {
      const h = product(Array.from(x, (v, d) => v - t.decoder_bias.data[d]), t["encoder.weight"], f);
      return h + t.gate_bias.data[f] > 0 ? relu(Math.exp(t.r_mag.data[f]) * h + t.mag_bias.data[f]) : 0;
    }),
    bias: t.decoder_bias.data,
    decoder: t["decoder.weight"],
  }),
  JumpReluAutoEncoder: (t, x) => ({
    f: Array.from({ length: F }, (_, f) => product(x, t.W_enc, f) + t.b_enc.data[f]).map((h, f) => (h > t.threshold.data[f] ? relu(h) : 0)),
    bias: t.b_dec.data,
    decoder: t.W_dec,
  }),
  AutoEncoderTopK(t, x) {
    const f = encodeRelu(t, x, t.b_dec.data);
    const kth = [...f].sort((a, b) => b - a)[t.k.data[0] - 1];
    return { f: f.map((v) => (v >= kth ? v : 0)), bias: t.b_dec.data, decoder: t["decoder.weight"] };
  },
  BatchTopKSAE: (t, x) => ({ f: above(encodeRelu(t, x, t.b_dec.data), t.threshold.data[0]), bias: t.b_dec.data, decoder: t["decoder.weight"] }),
  MatryoshkaBatchTopKSAE: (t, x) => ({ f: above(encodeRelu(t, x, t.b_dec.data, "W_enc", "b_enc"), t.threshold.data[0]), bias: t.b_dec.data, decoder: t.W_dec }),
};

const trainers = ["AutoEncoder", "AutoEncoder", "GatedAutoEncoder", "JumpReluAutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE", "AutoEncoder", "GatedAutoEncoder"];
const files = trainers.flatMap((kind, i) => ["ae.pt", "checkpoints/ae_10.pt", "checkpoints/ae_20.pt"].map((file) => [`trainer_${i}`, file, kind] as const));

describe("dl_run", async () => {
  const [{ device }] = await devices();
  const B = 24;
  const x = (readOracle("formats/dl_run/data.safetensors").x.data as Float32Array).slice(0, B * D);

  test.each(files)("%s/%s is a %s", async (trainer, path, kind) => {
    const file = await openOracle(`formats/dl_run/${trainer}/${path}`);
    const config = jsonOracle(`formats/dl_run/${trainer}/config.json`);
    const dictionary = await readDictionaryLearning(file, { device: device!, config, normalizeDecoder: false });
    expect(dictionary.kind).toBe(kind);

    const tensors = Object.fromEntries(await Promise.all(file.names.map(async (name) => [name, await file.read(name)]))) as Tensors;
    const expected = Array.from({ length: B }, (_, b) => formulas[kind](tensors, x.subarray(b * D, (b + 1) * D)));
    await device!.scope(async () => {
      const features = dictionary.encode(device!.tensor(x, [B, D]));
      expectNear(await dense(features), expected.flatMap(({ f }) => f));
      const xHat = expected.flatMap(({ f, bias, decoder: { shape, data } }) =>
        Array.from({ length: D }, (_, d) => f.reduce((sum, v, j) => sum + v * (shape[0] === D ? data[d * F + j] : data[j * D + d]), bias[d])),
      );
      expectNear(await dictionary.decode(features).read(), xHat);
    });
    dictionary.dispose();
  });

  const alike = new Set(["AutoEncoderTopK", "BatchTopKSAE"]);
  test.each(files.filter(([, , kind]) => !alike.has(kind)))("%s/%s is known without config.json", async (trainer, path, kind) => {
    const dictionary = await readDictionaryLearning(await openOracle(`formats/dl_run/${trainer}/${path}`), { device: device! });
    expect(dictionary.kind).toBe(kind);
    dictionary.dispose();
  });

  test.each(files.filter(([, , kind]) => alike.has(kind)))("%s/%s could be one of two: only config.json tells", async (trainer, path) => {
    await expect(readDictionaryLearning(await openOracle(`formats/dl_run/${trainer}/${path}`), { device: device!, subject: path })).rejects.toMatchObject({
      code: "FORMAT",
      message: `${path}: expected the config.json beside it to say whether this is AutoEncoderTopK or BatchTopKSAE, got none`,
    });
  });
});
