import { createHash } from "node:crypto";
import { memorySource, openTorch, writeTorch } from "@dictlearn/checkpoint";
import { devices, readOracle, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense, expectNear, jsonOracle, openOracle, support } from "../../test/oracles.js";
import * as sae from "../index.js";
import { Columns, readDictionaryLearning, readWeights, savedAutoEncoder, savedAutoEncoderTopK, savedJumpReluAutoEncoder, savedMatryoshkaBatchTopK, stateDict, writeDictionaryLearning, type SavedClass, type StateTensor } from "../index.js";

const names = ["AutoEncoder", "AutoEncoder_april", "AutoEncoderNew", "GatedAutoEncoder", "JumpReluAutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"];
const exported = Object.values(sae).filter((value): value is SavedClass<never> & typeof value => typeof value === "object" && "tensors" in value) as unknown as SavedClass<object>[];
const classOf = (name: string) => exported.find((saved) => saved.name === name.split("_")[0])!;

const fileOf = (tensors: Record<string, StateTensor>) => Buffer.concat([...writeTorch(tensors)]);
const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest("hex");

/** A reader of what was just written, as a user has one. */
const reread = async (tensors: Record<string, StateTensor>) => openTorch(memorySource(fileOf(tensors)));

/** As oracles/formats/write_ours.mjs does. */
async function written(name: string) {
  const weights = await readWeights(classOf(name), await openOracle(`formats/dl/${name}/ae.pt`));
  const { tensors, config } = writeDictionaryLearning(classOf(name), weights, {
    normFactor: 3.7,
    trainer: { trainer_class: "Ours", layer: 3, lm_name: "org/tiny-model", submodule_name: "resid_post_layer_3" },
    buffer: { ctx_len: 64 },
  });
  return { bytes: fileOf(tensors), config };
}

describe("what dictionary_learning and SAELens opened (oracles/formats/ours.json)", async () => {
  const [{ device }] = await devices();
  const io = readOracle("formats/ours.safetensors");

  test.each(names)("%s: the files are those, byte for byte", async (name) => {
    const { bytes, config } = await written(name);
    expect({ "ae.pt": sha256(bytes), "config.json": sha256(`${JSON.stringify(config, null, 4)}\n`) }).toEqual({
      "ae.pt": jsonOracle("formats/ours.json")[name]["ae.pt"],
      "config.json": jsonOracle("formats/ours.json")[name]["config.json"],
    });
  });

  test.each(names)("%s: encodes and decodes as it did there", async (name) => {
    const { bytes, config } = await written(name);
    const dictionary = await readDictionaryLearning(await openTorch(memorySource(bytes)), { device: device!, config });
    const [x, f, xHat] = ["x", "f", "x_hat"].map((part) => io[`${name}/${part}`]);
    await device!.scope(async () => {
      const features = dictionary.encode(device!.tensor(x.data as Float32Array, x.shape));
      const got = await dense(features);
      expect(support(got)).toEqual(support(f.data));
      expectNear(got, f.data);
      expectNear(await dictionary.decode(features).read(), xHat.data);
    });
    dictionary.dispose();
  });
});

test.each(names)("%s read and written is the same file to a reader: names in order, dtypes, shapes, numbers", async (name) => {
  const original = await openOracle(`formats/dl/${name}/ae.pt`);
  const again = await reread(stateDict(classOf(name), await readWeights(classOf(name), original)));
  expect(again.names).toEqual(original.names);
  for (const tensor of original.names) expect(await again.read(tensor)).toEqual(await original.read(tensor));
});

test.each([[1, 1], [1, 5], [7, 1], [3, 130]])("weights of D = %i, F = %i come back as they were", async (D, F) => {
  const shared = { decoderBias: seededNormal(1, D), encoder: seededNormal(2, F * D), encoderBias: seededNormal(3, F), decoder: seededNormal(4, F * D) };
  const back = async <W extends object>(saved: SavedClass<W>, weights: W) => {
    const read = await readWeights(saved, await reread(stateDict(saved, weights)));
    expect(Object.fromEntries(Object.entries(read).map(([name, value]) => [name, value instanceof Columns ? value.rows() : value]))).toEqual(weights);
  };
  await back(savedAutoEncoder, shared);
  await back(savedMatryoshkaBatchTopK, { ...shared, k: F, threshold: 0.25, groupSizes: F > 1 ? [1, F - 1] : [1] });
});

const [D, F] = [3, 5];
const numbers = (n: number) => seededNormal(n, n);
const plain = () => ({ decoderBias: numbers(D), encoder: numbers(F * D), encoderBias: numbers(F), decoder: numbers(F * D) });

describe("the norm factor", () => {
  const scaled = (normFactor: number, threshold: number) => stateDict(savedAutoEncoderTopK, { ...plain(), k: 2, threshold }, { normFactor });
  test("multiplies biases and a threshold, in f32; matrices stay", () => {
    const [one, other] = [scaled(1, 0.3), scaled(0.1, 0.3)];
    for (const name of ["b_dec", "encoder.bias", "threshold"]) expect(other[name].data).toEqual((one[name].data as Float32Array).map((value) => value * Math.fround(0.1)));
    for (const name of ["encoder.weight", "decoder.weight", "k"]) expect(other[name]).toEqual(one[name]);
  });
  test("leaves a threshold that was never measured", () => {
    expect(scaled(0.1, -1).threshold.data).toEqual(Float32Array.of(-1));
  });
  test("multiplies every threshold of a JumpReLU", () => {
    const weights = { ...plain(), threshold: Float32Array.of(-1, 1, 2, 3, 4) };
    expect(stateDict(savedJumpReluAutoEncoder, weights, { normFactor: 2 }).threshold.data).toEqual(Float32Array.of(-2, 2, 4, 6, 8));
  });
  test("changes no weight that it was given", () => {
    const weights = plain();
    stateDict(savedAutoEncoder, weights, { normFactor: 7 });
    expect(weights).toEqual(plain());
  });
  test.each([0, -1, NaN, Infinity])("%s is refused", (normFactor) => {
    expect(() => stateDict(savedAutoEncoder, plain(), { normFactor })).toThrow(`AutoEncoder: expected a norm factor > 0, got ${normFactor}`);
  });
});

test("a decoder by columns and the same by rows are written alike, divided by its norms where it has any", () => {
  const columns = Float32Array.from({ length: D * F }, (_, i) => i + 1); // [D,F]
  const rows = Float32Array.from({ length: F * D }, (_, i) => (i % D) * F + Math.floor(i / D) + 1); // [F,D]
  const decoder = (matrix: Float32Array | Columns) => stateDict(savedAutoEncoder, { ...plain(), decoder: matrix })["decoder.weight"];
  expect(decoder(new Columns(D, F, columns))).toEqual(decoder(rows));
  const norms = Float32Array.of(1, 2, 4, 8, 16);
  expect(decoder(new Columns(D, F, columns, norms)).data).toEqual(columns.map((value, i) => value / norms[i % F]));
});

test("config.json: what follows from the weights wins over what the trainer says", () => {
  const weights = { ...plain(), k: 2, threshold: -1, groupSizes: [2, 3] };
  expect(writeDictionaryLearning(savedMatryoshkaBatchTopK, weights, { trainer: { k: 9, lr: 0.1 }, buffer: { ctx_len: 128 } }).config).toEqual({
    trainer: { k: 2, lr: 0.1, dict_class: "MatryoshkaBatchTopKSAE", activation_dim: D, dict_size: F, group_sizes: [2, 3] },
    buffer: { ctx_len: 128 },
  });
});

test.each([
  ["a short bias", { encoderBias: numbers(4) }, "expected decoder of 12 numbers, got 15 (D = 3, F = 4)"],
  ["a short decoder", { decoder: numbers(14) }, "expected decoder of 15 numbers, got 14 (D = 3, F = 5)"],
  ["no features", { k: 0 }, "expected k from 1 to 5, got 0"],
  ["more than all features", { k: 6 }, "expected k from 1 to 5, got 6"],
])("%s is refused before anything is made", (_, change, message) => {
  const write = () => stateDict(savedAutoEncoderTopK, { ...plain(), k: 2, threshold: -1, ...change });
  expect(write).toThrow(expect.objectContaining({ code: "SHAPE", message: `AutoEncoderTopK: ${message}` }));
});
