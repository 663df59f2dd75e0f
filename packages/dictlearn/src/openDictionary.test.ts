import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeTorch } from "@dictlearn/checkpoint";
import { formatNamed } from "@dictlearn/sae";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { openDictionary, readDictionary } from "./index.js";

const path = (name: string) => fileURLToPath(oracle(`formats/${name}`));

describe.each(await devices())("on $name", ({ device, skipped }) => {
  const cases = [
    { name: "AutoEncoder", normalizeDecoder: false, f: "f", xHat: "x_hat" },
    { name: "AutoEncoder", normalizeDecoder: true, f: "normalized_f", xHat: "normalized_x_hat" },
    { name: "AutoEncoder_april", normalizeDecoder: false, f: "f", xHat: "x_hat" },
    { name: "AutoEncoder_april", normalizeDecoder: true, f: "normalized_f", xHat: "normalized_x_hat" },
    { name: "AutoEncoderNew", normalizeDecoder: true, f: "f", xHat: "x_hat" },
  ];
  test.skipIf(skipped).each(cases)("$name, normalizeDecoder $normalizeDecoder, is what dictionary_learning computes", async ({ name, normalizeDecoder, f, xHat }) => {
    const io = readOracle(`formats/dl/${name}/io.safetensors`);
    const dictionary = await openDictionary(path(`dl/${name}/ae.pt`), { device: device!, normalizeDecoder });
    using x = device!.tensor(io.x.data, io.x.shape);
    using features = dictionary.encode(x);
    const { rowStart, index, values } = await features.read();
    const [B, F] = features.shape;
    const dense = new Float32Array(B * F);
    for (let b = 0; b < B; b++) for (let e = rowStart[b]; e < rowStart[b + 1]; e++) dense[b * F + index[e]] = values[e];
    expectClose(dense, io[f].data, { absolute: 1e-5 * Math.max(...io[f].data) });
    expect([...dense].map((value) => value !== 0)).toEqual([...io[f].data].map((value) => value !== 0));
    using decoded = dictionary.decode(features);
    expectClose((await decoded.read()) as Float32Array, io[xHat].data, { absolute: 1e-5 * Math.max(...io[xHat].data.map(Math.abs)) });
    dictionary.dispose();
  });
});

describe("an AutoEncoder in another wrapping is the same", async () => {
  const [{ device }] = await devices();
  test.each(["ordered_dict", "parameters", "contiguous", "deflated", "cuda_location", "one_shared_storage", "float64"])("%s.pt", async (name) => {
    const dictionary = await openDictionary(path(`dl_variants/${name}.pt`), { device: device! });
    expect([dictionary.kind, dictionary.D, dictionary.F]).toEqual(["AutoEncoder", 12, 40]);
    dictionary.dispose();
  });
});

describe("what is not a dictionary is an error of one line", async () => {
  const [{ device }] = await devices();
  const cases: [string, RegExp][] = [
    ["broken/wrong_shapes.pt", /wrong_shapes\.pt: expected decoder\.weight \[6,10\], got \[5,10\]|wrong_shapes\.pt: expected \S+ \[/],
    ["broken/transposed_encoder.pt", /expected encoder\.weight \[10,6\], got \[6,10\]/],
    ["broken/missing_key.pt", /got no bias$/],
    ["broken/extra_key.pt", /got also \w+/],
    ["broken/value_is_text.pt", /bias/],
    ["broken/nan_weights.pt", /expected finite \S+, got NaN at \d+/],
    ["broken/inf_weights.pt", /expected finite \S+, got -?Infinity at \d+/],
    ["broken/integer_weights.pt", /expected \S+ in f32, f16, bf16 or f64, got i\d+/],
    ["broken/complex_dtype.pt", /expected \S+ in f32, f16, bf16 or f64, got c\d+/],
    ["broken/list_not_dict.pt", /expected a dict/],
    ["broken/reduce_os_system.pt", /"(os|posix)\.system" is not allowed/],
    ["broken/pickled_module.pt", /not allowed/],
    ["broken/truncated.pt", /./],
    ["broken/empty.pt", /./],
    ["broken/not_a_checkpoint.pt", /./],
    ["dl_variants/backup_AutoEncoder.pt", /expected a finished dictionary, got the backup of a run at step \d+/],
    ["nowhere/ae.pt", /expected a dictionary \(ae\.pt, sae_weights\.safetensors or sae\.safetensors, or the folder of one\), got no such file/],
  ];
  test.each(cases)("%s", async (name, message) => {
    const error = await openDictionary(path(name), { device: device! }).catch((error: unknown) => error);
    expect(error).toMatchObject({ code: expect.stringMatching(/^(FORMAT|UNSUPPORTED|NOT_FOUND|IO)$/), message: expect.stringMatching(message) });
    expect((error as Error).message).not.toContain("\n");
  });

  test("good.pt, of the same kind, is read", async () => {
    const dictionary = await openDictionary(path("broken/good.pt"), { device: device! });
    expect([dictionary.D, dictionary.F]).toEqual([6, 10]);
    dictionary.dispose();
  });
});

describe("encodeOnly", async () => {
  const [{ device: found }] = await devices();
  const device = found!;
  const names = [
    ...["AutoEncoder", "AutoEncoder_april", "AutoEncoderNew", "GatedAutoEncoder", "JumpReluAutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"].map((name) => `dl/${name}/ae.pt`),
    ...["contiguous", "deflated", "float16", "bfloat16", "float64"].map((name) => `dl_variants/${name}.pt`),
    ...["standard_constant_norm", "topk", "jumprelu", "skip_transcoder"].map((name) => `saelens/${name}`),
    ...["groupmax", "topk_bfloat16"].map((name) => `sparsify/${name}`),
  ];
  test.each(names)("%s encodes the same bytes and does not decode", async (name) => {
    const [whole, half] = await Promise.all([false, true].map((encodeOnly) => openDictionary(path(name), { device, encodeOnly })));
    expect([half.kind, half.D, half.F, half.output, half.origin]).toEqual([whole.kind, whole.D, whole.F, whole.output, whole.origin]);
    const x = device.tensor(Float32Array.from({ length: 9 * half.D }, (_, i) => Math.sin(i)), [9, half.D]);
    await device.scope(async () => {
      const features = half.encode(x);
      expect(await features.read()).toEqual(await whole.encode(x).read());
      expect(() => half.decode(features, x)).toThrow(expect.objectContaining({ code: "USAGE", message: "decoder: expected a dictionary that was opened with its decoder, got one with encodeOnly" }));
    });
    x.dispose();
    whole.dispose();
    half.dispose();
  });

  test("of a decoder whose norms count every number is looked at", async () => {
    const tensors = (bad: number) => {
      const f32 = (shape: number[], data: Float32Array) => ({ dtype: "f32", shape, data }) as const;
      const decoder = Float32Array.from({ length: 100 * 3 }, (_, i) => Math.cos(i));
      decoder[290] = bad; // in the last piece
      return { bias: f32([100], new Float32Array(100)), "encoder.weight": f32([3, 100], new Float32Array(300)), "encoder.bias": f32([3], new Float32Array(3)), "decoder.weight": f32([100, 3], decoder) };
    };
    const folder = mkdtempSync(join(tmpdir(), "encode-only-"));
    try {
      const file = join(folder, "ae.pt");
      for (const bad of [NaN, Infinity]) {
        writeFileSync(file, Buffer.concat([...writeTorch(tensors(bad))]));
        await expect(openDictionary(file, { device, encodeOnly: true })).rejects.toMatchObject({ code: "FORMAT", message: `${file}: expected finite decoder.weight, got ${bad} at 290` });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("what a scale is folded into may be without its decoder, what is written may not", async () => {
    const options = { encodeOnly: true, activationScale: 2 };
    const [{ host }, { host: whole }] = await Promise.all([readDictionary(path("saelens/standard_expected_average"), options), readDictionary(path("saelens/standard_expected_average"), { activationScale: 2 })]);
    expect({ ...host.weights, decoder: undefined }).toEqual({ ...whole.weights, decoder: undefined });
    expect(() => formatNamed("saelens").write(host)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });
});

test("the bundled demo dictionary opens by its name", async () => {
  const [{ device }] = await devices();
  const dictionary = await openDictionary("demo", { device: device! });
  expect([dictionary.D, dictionary.F]).toEqual([192, 1536]);
  dictionary.dispose();
});
