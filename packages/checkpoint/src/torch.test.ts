import { describe, expect, test } from "vitest";
import { fixture, recording } from "../test/fixtures.js";
import { openSafetensors, openTorch, toFloat32, type Checkpoint } from "./index.js";

/** The values as f32 of all tensors, or of those named. */
async function readAll(checkpoint: Checkpoint, names = checkpoint.names): Promise<Record<string, Float32Array>> {
  const tensors: Record<string, Float32Array> = {};
  for (const name of names) tensors[name] = toFloat32(await checkpoint.read(name));
  return tensors;
}

describe("dictionaries of dictionary_learning, with which its own encode and decode are computed again", () => {
  const B = 20;
  const D = 12;
  const F = 40;
  type Weights = Record<string, Float32Array>;
  const relu = (value: number) => Math.max(value, 0);

  /** x f32[B,D] → [B,F], f64; weight(j, i) takes feature j's entry for input i */
  function affine(x: Float32Array, weight: (j: number, i: number) => number, bias: (j: number) => number, centre?: Float32Array): number[][] {
    return Array.from({ length: B }, (_, b) =>
      Array.from({ length: F }, (_, j) => {
        let sum = bias(j);
        for (let i = 0; i < D; i++) sum += weight(j, i) * (x[b * D + i] - (centre?.[i] ?? 0));
        return sum;
      }),
    );
  }
  const linear = (x: Float32Array, w: Weights, centre?: Float32Array) =>
    affine(x, (j, i) => w["encoder.weight"][j * D + i], (j) => w["encoder.bias"]?.[j] ?? 0, centre); // encoder.weight f32[F,D]
  const plain = (x: Float32Array, w: Weights, centre?: Float32Array) =>
    affine(x, (j, i) => w.W_enc[i * F + j], (j) => w.b_enc[j], centre); // W_enc f32[D,F]
  const byColumns = (w: Weights) => (i: number, j: number) => w["decoder.weight"][i * F + j]; // f32[D,F]
  const byRows = (w: Weights) => (i: number, j: number) => w.W_dec[j * D + i]; // f32[F,D]
  const above = (threshold: (j: number) => number) => (value: number, j: number) => (value > threshold(j) ? value : 0);

  const classes: Record<string, { encode(x: Float32Array, w: Weights): number[][]; decoder: typeof byRows; bias: string }> = {
    AutoEncoder: { encode: (x, w) => linear(x, w, w.bias).map((row) => row.map(relu)), decoder: byColumns, bias: "bias" },
    AutoEncoder_april: { encode: (x, w) => linear(x, w, w.bias).map((row) => row.map(relu)), decoder: byColumns, bias: "bias" },
    AutoEncoderNew: { encode: (x, w) => linear(x, w).map((row) => row.map(relu)), decoder: byColumns, bias: "decoder.bias" },
    AutoEncoderTopK: {
      encode: (x, w) =>
        linear(x, w, w.b_dec).map((row) => {
          const kth = row.map(relu).sort((a, b) => b - a)[3];
          return row.map((value) => (value >= kth ? relu(value) : 0));
        }),
      decoder: byColumns,
      bias: "b_dec",
    },
    BatchTopKSAE: {
      encode: (x, w) => linear(x, w, w.b_dec).map((row) => row.map(relu).map(above(() => w.threshold[0]))),
      decoder: byColumns,
      bias: "b_dec",
    },
    MatryoshkaBatchTopKSAE: {
      encode: (x, w) => plain(x, w, w.b_dec).map((row) => row.map(relu).map(above(() => w.threshold[0]))),
      decoder: byRows,
      bias: "b_dec",
    },
    JumpReluAutoEncoder: {
      encode: (x, w) => plain(x, w).map((row) => row.map(above((j) => w.threshold[j])).map(relu)),
      decoder: byRows,
      bias: "b_dec",
    },
    GatedAutoEncoder: {
      encode: (x, w) =>
        linear(x, w, w.decoder_bias).map((row) =>
          row.map((value, j) => (value + w.gate_bias[j] > 0 ? relu(Math.exp(w.r_mag[j]) * value + w.mag_bias[j]) : 0)),
        ),
      decoder: byColumns,
      bias: "decoder_bias",
    },
  };

  test.each(Object.entries(classes))("%s", async (name, { encode, decoder, bias }) => {
    const file = await openTorch(fixture(`dl/${name}/ae.pt`));
    const w = await readAll(file, file.names.filter((tensor) => !["k", "group_sizes"].includes(tensor))); // integers
    const { x, f, x_hat } = await readAll(await openSafetensors(fixture(`dl/${name}/io.safetensors`)), ["x", "f", "x_hat"]);

    const features = encode(x, w);
    expectNear(features.flat(), f);
    const column = decoder(w);
    const decoded = features.flatMap((row) =>
      Array.from({ length: D }, (_, i) => row.reduce((sum, value, j) => sum + value * column(i, j), w[bias][i])),
    );
    expectNear(decoded, x_hat);
  });

  /** Within 1e-5 of the largest entry, and zero exactly where it should be. */
  function expectNear(actual: number[], recorded: Float32Array): void {
    const largest = recorded.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    expect(actual.length).toBe(recorded.length);
    const out = actual.findIndex((value, i) => !(Math.abs(value - recorded[i]) <= 1e-5 * largest) || (value === 0) !== (recorded[i] === 0));
    expect(out).toBe(-1);
  }
});

describe("the same AutoEncoder in other wrappings", async () => {
  const reference = await readAll(await openSafetensors(fixture("dl_variants/reference.safetensors")));

  test.each(["ordered_dict", "parameters", "contiguous", "deflated", "cuda_location", "one_shared_storage", "float64"])("%s is equal", async (name) => {
    expect(await readAll(await openTorch(fixture(`dl_variants/${name}.pt`)))).toEqual(reference);
  });

  test.each([
    ["bfloat16", "bf16", 2 ** -8],
    ["float16", "f16", 2 ** -11],
  ] as const)("%s is equal within its rounding", async (name, dtype, rounding) => {
    const file = await openTorch(fixture(`dl_variants/${name}.pt`));
    expect(new Set(await Promise.all(file.names.map(async (tensor) => (await file.info(tensor)).dtype)))).toEqual(new Set([dtype]));
    const rounded = await readAll(file);
    for (const tensor of Object.keys(reference))
      reference[tensor].forEach((value, i) => expect(Math.abs(rounded[tensor][i] - value)).toBeLessThanOrEqual(rounding * Math.abs(value) + 2 ** -25));
  });

  test("legacy_not_zip is refused, with what to do", async () => {
    await expect(openTorch(fixture("dl_variants/legacy_not_zip.pt"))).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: "dl_variants/legacy_not_zip.pt: expected a zip archive, got the layout of torch before 1.6",
      remedy: "re-save it: torch.save(torch.load(path, weights_only=True), path)",
    });
  });
});

// Against what torch itself made contiguous and safetensors' own library wrote.
test.each(["zip64", "protocol4", "untyped", "views", "views_f64", "views_f16", "views_u8"])("%s.pt holds what %s.safetensors does", async (name) => {
  const [torch, safetensors] = await Promise.all([openTorch(fixture(`torch/${name}.pt`)), openSafetensors(fixture(`torch/${name}.safetensors`))]);
  expect([...torch.names].sort()).toEqual([...safetensors.names].sort());
  for (const tensor of torch.names) expect(await torch.read(tensor)).toEqual(await safetensors.read(tensor));
});

test("a matrix that lies by its columns comes so where it may, and as rows elsewhere", async () => {
  const file = await openTorch(fixture("dl_variants/ordered_dict.pt"));
  const [rows, columns] = [await file.read("encoder.weight"), await file.read("encoder.weight", { columns: true })]; // [F,D], saved as a transposed view
  const [F, D] = rows.shape;
  expect(columns).toEqual({ ...rows, columns: true, data: Float32Array.from(rows.data as Float32Array, (_, at) => Number(rows.data[(at % F) * D + Math.floor(at / F)])) });
  for (const name of ["decoder.weight", "bias"]) expect(await file.read(name, { columns: true })).toEqual(await file.read(name));
});

test("every dtype, and nested values", async () => {
  const file = await openTorch(fixture("dl_variants/dtypes.pt"));
  const tensors = Object.fromEntries(await Promise.all(file.names.map(async (name) => [name, await file.read(name)])));
  const tensor = (name: string, dtype: string, shape: number[], data: ArrayBufferView) => ({ name, dtype, shape, data });
  expect(tensors).toEqual({
    f32: tensor("f32", "f32", [3, 2], Float32Array.of(0, 3, 1, 4, 2, 5)),
    f64: tensor("f64", "f64", [2], Float64Array.of(0.1, 1e300)),
    f16: tensor("f16", "f16", [2], Uint16Array.of(0x3800, 0xc000)),
    bf16: tensor("bf16", "bf16", [2], Uint16Array.of(0x3fc0, 0xc040)),
    i64: tensor("i64", "i64", [2], BigInt64Array.of(2n ** 40n, -1n)),
    i32: tensor("i32", "i32", [], Int32Array.of(7)),
    i16: tensor("i16", "i16", [1], Int16Array.of(-300)),
    i8: tensor("i8", "i8", [1], Int8Array.of(-3)),
    u8: tensor("u8", "u8", [1], Uint8Array.of(250)),
    bool: tensor("bool", "bool", [2], Uint8Array.of(1, 0)),
    empty: tensor("empty", "f32", [0, 3], new Float32Array(0)),
    scalar: tensor("scalar", "f32", [], Float32Array.of(2.5)),
  });
  expect(Object.fromEntries(file.values)).toEqual({
    "nested.list.0": 1,
    "nested.list.1": 2.5,
    "nested.list.2": "text",
    "nested.list.3": null,
    "nested.list.4": true,
    "nested.list.5.0": 3,
    "nested.list.5.1": 4,
    "nested.big": 2n ** 70n,
  });
});

describe("a backup {step, ae, optimizer, config, norm_factor}", () => {
  test("has dotted names, and plain values beside the tensors", async () => {
    const file = await openTorch(fixture("dl_variants/backup_AutoEncoder.pt"));
    expect(file.names).toContain("ae.encoder.weight");
    expect((await file.info("optimizer.state.1.exp_avg")).shape).toEqual([40, 12]);
    expect(file.values.get("step")).toBe(10);
    expect(file.values.get("norm_factor")).toBe(10.154218673706055);
    expect(file.values.get("config.trainer_class")).toBe("StandardTrainer");
  });

  test("gives one of its dicts when asked", async () => {
    const whole = await openTorch(fixture("dl_variants/backup_AutoEncoder.pt"));
    const ae = await openTorch(fixture("dl_variants/backup_AutoEncoder.pt"), { at: "ae" });
    expect([...ae.names].sort()).toEqual(["bias", "decoder.weight", "encoder.bias", "encoder.weight"]);
    expect((await ae.read("encoder.weight")).data).toEqual((await whole.read("ae.encoder.weight")).data);
    await expect(openTorch(fixture("dl_variants/backup_AutoEncoder.pt"), { at: "model" })).rejects.toMatchObject({
      code: "NOT_FOUND",
      message: 'dl_variants/backup_AutoEncoder.pt: expected a dict at "model", got step, ae, optimizer, config, norm_factor',
    });
  });
});

test("a tensor that is not there is named, with those that are", async () => {
  const file = await openTorch(fixture("broken/good.pt"));
  await expect(file.read("W_enc")).rejects.toMatchObject({
    code: "NOT_FOUND",
    message: 'broken/good.pt: expected tensor "W_enc", got bias, encoder.weight, encoder.bias, decoder.weight',
  });
  expect(file.has("W_enc")).toBe(false);
});

test("only the bytes of the tensor asked for are read, also from a storage that several share", async () => {
  const source = recording(fixture("dl_variants/one_shared_storage.pt"));
  const file = await openTorch(source);
  source.ranges.length = 0;
  await file.read("bias"); // f32[12]
  expect(source.ranges.map(([start, end]) => end - start)).toEqual([30, 48]); // the member's header, then the tensor
});
