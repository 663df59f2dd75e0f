import { type Device } from "@dictlearn/kernels";
import { devices, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense, expectNear, jsonOracle, openOracle, support } from "../../test/oracles.js";
import { autoEncoderTopK, batchTopKSae, type Dictionary, jumpReluAutoEncoder, readDictionaryLearning, type ReadOptions, type Variants } from "../index.js";

// Every class as dictionary_learning itself saved it and computed with it (oracles/formats/README.md).

const names = ["AutoEncoder", "AutoEncoder_april", "AutoEncoderNew", "GatedAutoEncoder", "JumpReluAutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"];

/** A variant of a class, and which recorded tensors it should give. */
type Case = [name: string, how: string, options: Partial<ReadOptions>, f: string, xHat: string | undefined];
const cases: Case[] = [
  ...names.map((name): Case => [name, "as saved", { normalizeDecoder: false }, "f", "x_hat"]),
  ["AutoEncoder", "decoder normalised", {}, "normalized_f", "normalized_x_hat"],
  ["AutoEncoder_april", "decoder normalised", {}, "normalized_f", "normalized_x_hat"],
  ["JumpReluAutoEncoder", "decoder bias taken from x", { applyDecoderBiasToInput: true }, "f_apply_b_dec_to_input", "x_hat_apply_b_dec_to_input"],
  ["AutoEncoderTopK", "by threshold", { useThreshold: true }, "f_threshold", undefined],
  ...[1, 2, 3].map((activeGroups): Case => ["MatryoshkaBatchTopKSAE", `${activeGroups} groups`, { activeGroups }, `f_groups_${activeGroups}`, `x_hat_groups_${activeGroups}`]),
];

const openClass = async (device: Device, name: string, options: Partial<ReadOptions>): Promise<Dictionary> =>
  readDictionaryLearning(await openOracle(`formats/dl/${name}/ae.pt`), { device, subject: name, config: jsonOracle(`formats/dl/${name}/config.json`), ...options });

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(cases)("%s, %s, encodes and decodes as dictionary_learning's", async (name, _, options, f, xHat) => {
    const io = readOracle(`formats/dl/${name}/io.safetensors`);
    const before = device!.bytesInUse;
    const dictionary = await openClass(device!, name, options);
    expect([dictionary.kind, dictionary.D, dictionary.F]).toEqual([name.split("_")[0], 12, 40]);
    await device!.scope(async () => {
      const features = dictionary.encode(device!.tensor(io.x.data as Float32Array, io.x.shape));
      expect(features.shape).toEqual([20, 40]);
      const got = await dense(features);
      expect(support(got)).toEqual(support(io[f].data));
      expectNear(got, io[f].data);
      if (xHat) expectNear(await dictionary.decode(features).read(), io[xHat].data);
    });
    dictionary.dispose();
    dictionary.dispose();
    expect(device!.bytesInUse).toBe(before);
  });

  test.skipIf(skipped)("a threshold must be exceeded, and below 0 it is none", async () => {
    const shared = { encoder: Float32Array.of(2, 2, 2, -2), encoderBias: new Float32Array(4), decoder: new Float32Array(4), decoderBias: new Float32Array(1) };
    const encoded = async (dictionary: Dictionary) => {
      const f = await device!.scope(() => dense(dictionary.encode(device!.tensor(Float32Array.of(1), [1, 1])))); // pre-activations 2, 2, 2, -2
      dictionary.dispose();
      return [...f];
    };
    expect(await encoded(jumpReluAutoEncoder(device!, { ...shared, threshold: Float32Array.of(2, 1.5, -1, -3) }))).toEqual([0, 2, 2, 0]);
    expect(await encoded(batchTopKSae(device!, { ...shared, k: 1, threshold: 2 }))).toEqual([0, 0, 0, 0]);
    expect(await encoded(batchTopKSae(device!, { ...shared, k: 1, threshold: 1.5 }))).toEqual([2, 2, 2, 0]);
    expect(await encoded(batchTopKSae(device!, { ...shared, k: 1, threshold: -1 }))).toEqual([2, 2, 2, 0]);
    expect(await encoded(autoEncoderTopK(device!, { ...shared, k: 2, threshold: -1 }))).toEqual([2, 2, 0, 0]);
    expect(await encoded(autoEncoderTopK(device!, { ...shared, k: 4, threshold: 2 }))).toEqual([2, 2, 2, 0]);
  });
});

describe("every class", async () => {
  const [{ device }] = await devices();
  const { x } = readOracle("formats/dl/AutoEncoder/io.safetensors");
  const encoded = (dictionary: Dictionary) => device!.scope(() => dense(dictionary.encode(device!.tensor(x.data as Float32Array, x.shape))));

  test.each(names)("%s in float64 is the same dictionary", async (name) => {
    const file = await openOracle(`formats/dl/${name}/ae.pt`);
    const config = { trainer: { dict_class: name.split("_")[0] } };
    const read = async (tensor: string) => {
      const { dtype, data } = await file.read(tensor);
      return data instanceof Float32Array ? { dtype: "f64", data: Float64Array.from(data) } : data instanceof Int32Array ? { dtype: "i64", data: BigInt64Array.from(data, BigInt) } : { dtype, data };
    };
    const one = await readDictionaryLearning(file, { device: device!, config });
    const other = await readDictionaryLearning({ names: file.names, info: (tensor) => file.info(tensor), read }, { device: device!, config });
    expect(await encoded(other)).toEqual(await encoded(one));
    one.dispose();
    other.dispose();
  });

  test.each(names)("%s brings its decoder to the device when something is first decoded", async (name) => {
    const dictionary = await openClass(device!, name, {});
    await device!.scope(async () => {
      const features = dictionary.encode(device!.tensor(x.data as Float32Array, x.shape));
      const before = device!.bytesInUse;
      dictionary.decode(features).dispose();
      expect(device!.bytesInUse - before).toBeGreaterThanOrEqual(4 * 12 * 40);
      const after = device!.bytesInUse;
      dictionary.decode(features).dispose();
      expect(device!.bytesInUse).toBe(after);
    });
    dictionary.dispose();
  });
});

describe("variants", async () => {
  const [{ device }] = await devices();
  const refused: [string, Variants, string][] = [
    ["AutoEncoder", { activeGroups: 1 }, "AutoEncoder: expected no variant for AutoEncoder, got activeGroups"],
    ["BatchTopKSAE", { useThreshold: false }, "BatchTopKSAE: expected applyDecoderBiasToInput for BatchTopKSAE, got useThreshold"],
    ["AutoEncoderTopK", { activeGroups: 1 }, "AutoEncoderTopK: expected useThreshold or applyDecoderBiasToInput for AutoEncoderTopK, got activeGroups"],
    ...[0, 4, 1.5, NaN].map((n) => ["MatryoshkaBatchTopKSAE", { activeGroups: n }, `MatryoshkaBatchTopKSAE: expected activeGroups from 1 to 3, got ${n}`] as [string, Variants, string]),
  ];
  test.each(refused)("%s refuses %o", async (name, options, message) => {
    await expect(openClass(device!, name, options)).rejects.toMatchObject({ code: "USAGE", message });
  });
});

describe("dictionary_learning's evaluate on 256 rows, by its own definitions", async () => {
  const [{ device }] = await devices();
  const [B, D] = [256, 16];
  const sum = (values: Iterable<number>) => Array.from(values).reduce((total, value) => total + value, 0);
  const norm = (row: Float32Array) => Math.sqrt(sum(row.map((v) => v * v)));
  const mean = (rows: number[]) => sum(rows) / rows.length;

  test.each([
    ["relu", "AutoEncoder"],
    ["topk", "AutoEncoderTopK"],
    ["batch_topk", "BatchTopKSAE"],
  ])("%s", async (name, dict_class) => {
    const weights = readOracle(`metrics/evaluate/${name}.safetensors`);
    const file = {
      names: Object.keys(weights),
      info: async (tensor: string) => weights[tensor],
      read: async (tensor: string) => ({ dtype: weights[tensor].data instanceof Float32Array ? "f32" : "i32", data: weights[tensor].data }),
    };
    const dictionary = await readDictionaryLearning(file, { device: device!, config: { trainer: { dict_class } }, normalizeDecoder: false });
    const x = readOracle("metrics/evaluate/x.safetensors").x.data as Float32Array;
    await device!.scope(async () => {
      const features = dictionary.encode(device!.tensor(x, [B, D]));
      const [f, xHat] = [await dense(features), (await dictionary.decode(features).read()) as Float32Array];
      const rows = Array.from({ length: B }, (_, b) => [x, xHat].map((all) => all.subarray(b * D, (b + 1) * D)));
      const got = {
        l2_loss: mean(rows.map(([a, b]) => norm(a.map((v, d) => v - b[d])))),
        l1_loss: sum(f.map(Math.abs)) / B,
        l0: support(f).length / B,
        cossim: mean(rows.map(([a, b]) => sum(a.map((v, d) => v * b[d])) / norm(a) / norm(b))),
        l2_ratio: mean(rows.map(([a, b]) => norm(b) / norm(a))),
        frac_alive: new Set(support(f).map((at) => at % dictionary.F)).size / dictionary.F,
      };
      const recorded = jsonOracle("metrics/evaluate/expected.json")[name].one_batch;
      for (const [metric, value] of Object.entries(got)) expectNear([value], [recorded[metric]]);
    });
    dictionary.dispose();
  });
});
