import { devices, expectClose, readOracle, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense } from "../../test/oracles.js";
import { readDictionaryLearning, type TensorFile } from "../index.js";

type Tensors = Record<string, { dtype: string; shape: number[]; data: ArrayBufferView }>;
const fileOf = (tensors: Tensors): TensorFile => ({ names: Object.keys(tensors), info: async (name) => tensors[name], read: async (name) => tensors[name] });
const f32 = (shape: number[], data: ArrayLike<number>) => ({ dtype: "f32", shape, data: Float32Array.from(data) });

const [D, F] = [3, 5];
/** A small AutoEncoder; what a test gives takes the place of a tensor, or leaves it out. */
function saved(changes: Partial<Tensors> = {}): TensorFile {
  const tensors = {
    bias: f32([D], seededNormal(1, D)),
    "encoder.weight": f32([F, D], seededNormal(2, F * D)),
    "encoder.bias": f32([F], seededNormal(3, F)),
    "decoder.weight": f32([D, F], seededNormal(4, D * F)),
    ...changes,
  };
  return fileOf(Object.fromEntries(Object.entries(tensors).filter(([, tensor]) => tensor)) as Tensors);
}

/** The same, its encoder by columns where that is asked for. */
const columnsOf = (file: TensorFile): TensorFile => ({
  ...file,
  async read(name, options) {
    const tensor = await file.read(name);
    const [rows, columns] = (await file.info(name)).shape;
    if (!options?.columns) return tensor;
    return { dtype: tensor.dtype, data: (tensor.data as Float32Array).map((_, at, data) => data[(at % rows) * columns + Math.floor(at / rows)]), columns: true };
  },
});

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([true, false])("an encoder that lies by its columns gives the same bytes, normalizeDecoder %s", async (normalizeDecoder) => {
    const [B, D, F] = [3, 300, 2000]; // columns are turned some hundreds at a time
    const rows = () => saved({ bias: f32([D], seededNormal(1, D)), "encoder.weight": f32([F, D], seededNormal(2, F * D)), "encoder.bias": f32([F], seededNormal(3, F)), "decoder.weight": f32([D, F], seededNormal(4, D * F)) });
    const encoded = async (file: TensorFile) => {
      const dictionary = await readDictionaryLearning(file, { device: device!, config: { trainer: { dict_class: "AutoEncoder" } }, normalizeDecoder });
      const { rowStart, index, values } = await device!.scope(() => dictionary.encode(device!.tensor(seededNormal(5, B * D), [B, D])).read());
      dictionary.dispose();
      return [rowStart, index.slice(0, rowStart[B]), values.slice(0, rowStart[B])]; // on WebGPU there is room behind
    };
    const [expected, got] = [await encoded(rows()), await encoded(columnsOf(rows()))];
    expect(expected[1].length).toBeGreaterThan(F);
    expect(got).toEqual(expected);
  });

  test.skipIf(skipped).each([true, false])("an AutoEncoder encodes and decodes as dictionary_learning's, normalizeDecoder %s", async (normalizeDecoder) => {
    const reference = readOracle("formats/dl_variants/reference.safetensors");
    const io = readOracle("formats/dl/AutoEncoder/io.safetensors");
    const file = fileOf(Object.fromEntries(Object.entries(reference).map(([name, { shape, data }]) => [name, f32(shape, data)])));
    const dictionary = await readDictionaryLearning(file, { device: device!, config: { trainer: { dict_class: "AutoEncoder" } }, normalizeDecoder });
    expect([dictionary.kind, dictionary.D, dictionary.F]).toEqual(["AutoEncoder", 12, 40]);
    using x = device!.tensor(io.x.data, io.x.shape);
    const features = dictionary.encode(x);
    const expected = normalizeDecoder ? { f: io.normalized_f, xHat: io.normalized_x_hat } : { f: io.f, xHat: io.x_hat };
    expectClose(await dense(features), expected.f.data, { absolute: 1e-5, relative: 1e-5 });
    using decoded = dictionary.decode(features);
    expectClose((await decoded.read()) as Float32Array, expected.xHat.data, { absolute: 1e-5, relative: 1e-5 });
    features.dispose();
    dictionary.dispose();
  });

  test.skipIf(skipped)("an AutoEncoderNew subtracts nothing and is never normalised", async () => {
    const weight = seededNormal(2, F * D);
    const decoder = seededNormal(4, D * F);
    const [encoderBias, decoderBias] = [seededNormal(3, F), seededNormal(5, D)];
    const file = fileOf({ "encoder.weight": f32([F, D], weight), "encoder.bias": f32([F], encoderBias), "decoder.weight": f32([D, F], decoder), "decoder.bias": f32([D], decoderBias) });
    const dictionary = await readDictionaryLearning(file, { device: device! });
    expect(dictionary.kind).toBe("AutoEncoderNew");
    const x = seededNormal(6, D);
    const f = Array.from({ length: F }, (_, j) => Math.max(0, x.reduce((sum, value, d) => sum + value * weight[j * D + d], encoderBias[j])));
    using input = device!.tensor(x, [1, D]);
    const features = dictionary.encode(input);
    expectClose(await dense(features), f, { absolute: 1e-6, relative: 1e-6 });
    using decoded = dictionary.decode(features);
    expectClose((await decoded.read()) as Float32Array, Array.from({ length: D }, (_, d) => f.reduce((sum, value, j) => sum + value * decoder[d * F + j], decoderBias[d])), { absolute: 1e-5 });
    features.dispose();
    dictionary.dispose();
  });

  test.skipIf(skipped)("a dictionary outlives the scope that it was first used in, and gives its memory back", async () => {
    const before = device!.bytesInUse;
    const dictionary = await device!.scope(() => readDictionaryLearning(saved(), { device: device! }));
    const once = () => device!.scope(() => dictionary.decode(dictionary.encode(device!.tensor(seededNormal(6, D), [1, D]))).read());
    expect(await once()).toEqual(await once());
    dictionary.dispose();
    dictionary.dispose();
    expect(device!.bytesInUse).toBe(before);
  });
});

describe("what is not a dictionary is refused in one line", async () => {
  const [{ device }] = await devices();
  const read = (file: TensorFile, config?: unknown) => readDictionaryLearning(file, { device: device!, subject: "ae.pt", config });
  const zeroed = (column: number) => seededNormal(4, D * F).map((value, i) => (i % F === column ? 0 : value));
  const broken = (at: number, value: number) => f32([F, D], seededNormal(2, F * D).map((old, i) => (i === at ? value : old)));

  const classes = "AutoEncoder, AutoEncoderNew, GatedAutoEncoder, JumpReluAutoEncoder, AutoEncoderTopK, BatchTopKSAE or MatryoshkaBatchTopKSAE";
  const cases: [string, TensorFile, string][] = [
    ["a missing tensor", saved({ bias: undefined }), "ae.pt: expected bias, encoder.weight, encoder.bias, decoder.weight (AutoEncoder), got no bias"],
    ["an unexpected tensor", saved({ surprise: f32([1], [1]) }), "ae.pt: expected bias, encoder.weight, encoder.bias, decoder.weight (AutoEncoder), got also surprise"],
    ["a transposed encoder", saved({ "encoder.weight": f32([D, F], seededNormal(2, F * D)) }), "ae.pt: expected encoder.weight [5,3], got [3,5] (D = 3, F = 5 by the biases)"],
    ["decoder rows that do not match the bias", saved({ "decoder.weight": f32([4, F], seededNormal(2, F * 4)) }), "ae.pt: expected decoder.weight [3,5], got [4,5] (D = 3, F = 5 by the biases)"],
    ["NaN", saved({ "encoder.weight": broken(7, NaN) }), "ae.pt: expected finite encoder.weight, got NaN at 7"],
    ["NaN in an encoder that lies by its columns", columnsOf(saved({ "encoder.weight": broken(7, NaN) })), "ae.pt: expected finite encoder.weight, got NaN at 7"],
    ["an infinity", saved({ "encoder.weight": broken(14, -Infinity) }), "ae.pt: expected finite encoder.weight, got -Infinity at 14"],
    ["integers", saved({ bias: { dtype: "i64", shape: [D], data: new BigInt64Array(D) } }), "ae.pt: expected bias in f32, f16, bf16 or f64, got i64"],
    ["a zero column", saved({ "decoder.weight": f32([D, F], zeroed(2)) }), "ae.pt: expected decoder columns of non-zero norm, got column 2 = 0"],
    ["half of another class", fileOf({ W_enc: f32([D, F], zeroed(1)), b_enc: f32([F], seededNormal(1, F)) }), "ae.pt: expected W_enc, b_enc, W_dec, b_dec, threshold (JumpReluAutoEncoder), got no W_dec, b_dec, threshold"],
    ["another model's tensors", fileOf({ W_in: f32([D, F], zeroed(1)), b_in: f32([F], seededNormal(1, F)) }), `ae.pt: expected the tensors of ${classes}, got W_in, b_in`],
    ["nothing", fileOf({}), `ae.pt: expected the tensors of ${classes}, got none`],
  ];
  test.each(cases)("%s", async (_, file, message) => {
    await expect(read(file)).rejects.toMatchObject({ code: expect.stringMatching(/FORMAT|UNSUPPORTED/), message });
  });
  test.each(["CrossCoder", "", 7, null])("a class that is none: %o", async (dict_class) => {
    await expect(read(saved(), { trainer: { dict_class } })).rejects.toThrow(`ae.pt: expected dict_class ${classes}, got ${JSON.stringify(dict_class)} (config.json)`);
  });
  test("a class other than the one that config.json names", async () => {
    await expect(read(saved(), { trainer: { dict_class: "AutoEncoderNew" } })).rejects.toThrow("got no decoder.bias");
  });
  test("f16 and bf16 are widened", async () => {
    const halves = { dtype: "F16", shape: [D], data: Uint16Array.of(0x3c00, 0xc000, 0x0001) }; // 1, -2, 2^-24
    const brains = { dtype: "BF16", shape: [F], data: Uint16Array.of(0x3f80, 0xc000, 0, 0x4000, 0x3f00) };
    const dictionary = await read(saved({ bias: halves, "encoder.bias": brains }));
    expect(dictionary.D).toBe(D);
    dictionary.dispose();
  });
  test("a zero column is accepted where normalising is not asked for", async () => {
    const dictionary = await readDictionaryLearning(saved({ "decoder.weight": f32([D, F], zeroed(2)) }), { device: device!, normalizeDecoder: false });
    expect(dictionary.F).toBe(F);
    dictionary.dispose();
  });
});
