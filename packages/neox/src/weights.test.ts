import { openDevice } from "@dictlearn/kernels/node";
import { devices, expectClose } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";
import { oracleModel, paddedRows, values } from "../test/oracleModel.js";
import { openNeox, packRows, type NamedTensor, type NeoxConfig, type WeightReader } from "./index.js";

const device = await openDevice({ backend: "cpu", threads: 1 });
afterAll(() => device.dispose());
const model = await oracleModel("a-parallel-f32");
const rows = packRows([[1, 2, 3]]);

/** The model's weights, recording what is read, with some tensors changed. */
function recording(change: (tensor: NamedTensor) => NamedTensor | undefined = (tensor) => tensor) {
  const read: string[] = [];
  const reader: WeightReader = {
    has: (name) => model.weights.has(name),
    async read(name) {
      read.push(name.replace("gpt_neox.", ""));
      const tensor = change(await model.weights.read(name));
      if (!tensor) throw new Error("unreachable");
      return tensor;
    },
  };
  return { read, reader };
}
const open = (weights: WeightReader, config: Partial<NeoxConfig> = {}) => openNeox({ device, config: { ...model.config, ...config }, weights });
const layer = (l: number) => ["input_layernorm", "attention.query_key_value", "attention.dense", "post_attention_layernorm", "mlp.dense_h_to_4h", "mlp.dense_4h_to_h"].flatMap((name) => [`layers.${l}.${name}.weight`, `layers.${l}.${name}.bias`]);

describe("only what the hooked sites need is read, once", () => {
  test.each([
    ["embed", ["embed_in.weight"]],
    ["layers.0.resid_pre", ["embed_in.weight"]],
    ["layers.1.attn_in", ["embed_in.weight", ...layer(0), ...layer(1).slice(0, 2)]],
    ["layers.1.mlp_out", ["embed_in.weight", ...layer(0), ...layer(1)]],
    ["layers.2.resid_pre", ["embed_in.weight", ...layer(0), ...layer(1)]],
    ["final_norm", ["embed_in.weight", ...layer(0), ...layer(1), ...layer(2), "final_layer_norm.weight", "final_layer_norm.bias"]],
  ])("%s", async (site, names) => {
    const { read, reader } = recording();
    using neox = open(reader);
    const at = { [site]: () => {} };
    await Promise.all([neox.run(rows, { at }), neox.run(rows, { at })]);
    await neox.run(rows, { at });
    expect(read).toEqual(names);
    (await neox.run(rows, { logits: "last" })).logits!.dispose();
    expect(read).toHaveLength(2 + 3 * 12 + 2);
    expect(new Set(read).size).toBe(read.length);
    expect(read.at(-1)).toBe("embed_out.weight");
  });
});

const [gpu] = (await devices()).slice(-1);

describe("where rows of the embedding can be read alone", () => {
  /** A reader of rows, recording which; some may be changed. */
  function byRows(change: (tensor: NamedTensor) => NamedTensor = (tensor) => tensor) {
    const { read, reader } = recording();
    const rows: number[][] = [];
    const readRows = async (name: string, ids: Uint32Array) => {
      rows.push([...ids]);
      const { data, shape: [, D], ...rest } = await model.weights.read(name);
      return change({ ...rest, shape: [ids.length, D], data: Float32Array.from([...ids].flatMap((id) => [...(data as Float32Array).subarray(id * D, (id + 1) * D)])) });
    };
    return { read, rows, reader: { ...reader, info: (name: string) => model.weights.info(name), readRows } };
  }
  const embedded = async (neox: ReturnType<typeof open>, texts: number[][], site = "layers.0.mlp_out") => {
    let read: Promise<unknown> | undefined;
    await neox.run(packRows(texts), { at: { [site]: (x) => void (read = x.read()) } });
    return read;
  };

  test("only those of tokens that occur are, each once, and the activations are the same", async () => {
    const { read, rows, reader } = byRows();
    using neox = open(reader);
    using whole = open(recording().reader);
    await neox.load("layers.0.mlp_out");
    expect(read).toEqual(layer(0));
    for (const texts of [[[7, 3, 7], [299, 3]], [[3, 8, 7]], [[8, 8]]]) for (const site of ["embed", "layers.0.mlp_out"]) expect(await embedded(neox, texts, site)).toEqual(await embedded(whole, texts, site));
    expect(rows).toEqual([[3, 7, 299], [8]]);
    expect(read).toEqual(layer(0));
  });

  const most = Array.from({ length: model.config.vocabulary / 8 }, (_, i) => 2 * i); // tokens of a pass
  const tables = (read: readonly string[]) => read.filter((name) => name === "embed_in.weight").length;

  test("no more than an eighth of them are kept: with others only those go on that are needed again", async () => {
    const { read, rows, reader } = byRows();
    using neox = open(reader);
    using whole = open(recording().reader);
    const others = most.map((id) => (id % 4 === 0 ? id : id + 1)); // half of them are the same
    for (const texts of [[most], [others], [others], [most]]) expect(await embedded(neox, texts)).toEqual(await embedded(whole, texts));
    const odd = (id: number) => id % 4 !== 0;
    expect(rows).toEqual([most, others.filter(odd), most.filter(odd)]);
    expect(tables(read)).toBe(0);
  });

  test("passes at the same time each find their own, though there is no room for those of all", async () => {
    const { read, reader } = byRows();
    using neox = open(reader);
    using whole = open(recording().reader);
    const texts = [0, 1, 2, 0, 3].map((first) => [most.map((_, i) => first + 4 * i)]);
    const expected = [];
    for (const one of texts) expected.push(await embedded(whole, one));
    expect(await Promise.all(texts.map((one) => embedded(neox, one)))).toEqual(expected);
    expect(tables(read)).toBe(0);
  });

  test("where one pass needs more than an eighth of them the table is, once; the output matrix may be the table", async () => {
    const { read, rows, reader } = byRows();
    using neox = open(reader);
    using whole = open(recording().reader);
    for (const texts of [[most.slice(0, -1)], [most], [[1], most], [[5]]]) expect(await embedded(neox, texts)).toEqual(await embedded(whole, texts));
    expect(rows.flat()).toEqual(most);
    expect(tables(read)).toBe(1);

    const tied = byRows();
    using other = open(tied.reader, { tiedEmbeddings: true });
    (await other.run(packRows([[1, 2]]), { logits: true })).logits!.dispose();
    expect([tied.rows, tied.read[0]]).toEqual([[], "embed_in.weight"]);
  });

  test.skipIf(gpu.skipped)(`on a GPU the table is as soon as more than an eighth have been needed (${gpu.name})`, async () => {
    const { read, rows, reader } = byRows();
    using neox = openNeox({ device: gpu.device!, config: model.config, weights: reader });
    for (const texts of [[most.slice(0, -1)], [[1, 3]], [[5]]]) await embedded(neox, texts, "embed");
    expect(rows).toEqual([most.slice(0, -1)]);
    expect(tables(read)).toBe(1);
  });

  test("they are checked as the table would be", async () => {
    const damaged = byRows((t) => ({ ...t, data: (t.data as Float32Array).map((x, i) => (i === t.shape[1] + 4 ? NaN : x)) }));
    await expect(embedded(open(damaged.reader), [[9, 5]])).rejects.toMatchObject({ code: "FORMAT", message: `gpt_neox.embed_in.weight: expected finite values, got NaN or infinity at element ${9 * 32 + 4}` });
    await expect(open(byRows().reader, { vocabulary: 299 }).load("embed")).rejects.toMatchObject({ code: "SHAPE", message: "gpt_neox.embed_in.weight: expected [299,32] by config.json, got [300,32]" });
  });
});

test("each tensor that was read is handed back once the device has it, and its memory is needed no more", async () => {
  const { read, reader } = recording();
  const freed: string[] = [];
  const free = ({ name, data }: NamedTensor) => {
    freed.push(name.replace("gpt_neox.", ""));
    structuredClone(data.buffer, { transfer: [data.buffer as ArrayBuffer] });
    expect(data.byteLength).toBe(0);
  };
  using neox = open({ ...reader, free });
  using other = open(model.weights);
  const [logits, expected] = await Promise.all([neox, other].map(async (one) => (await one.run(rows, { logits: "last" })).logits!.read()));
  expect(logits).toEqual(expected);
  expect(freed).toEqual(read);
});

test("a read that fails can be tried again", async () => {
  let fail = true;
  using neox = open({ has: () => true, read: (name) => (fail ? Promise.reject(new Error("offline")) : model.weights.read(name)) });
  await expect(neox.run(rows, { at: { embed: () => {} } })).rejects.toThrow("offline");
  fail = false;
  expect(await neox.run(rows, { at: { embed: () => {} } })).toEqual({});
});

/** Logits of the oracle's batch, with every tensor that is read passed through `as`. */
async function logitsWith(as: (tensor: NamedTensor) => NamedTensor, config: Partial<NeoxConfig> = {}): Promise<ArrayLike<number>> {
  using neox = open(recording(as).reader, config);
  using logits = (await neox.run(paddedRows(model, "left"), { logits: true })).logits!;
  return logits.read();
}
const tolerance = { absolute: 1e-4, relative: 1e-5 };

test("f64 is narrowed, bf16 widened", async () => {
  const f64 = (t: NamedTensor) => ({ ...t, dtype: "f64", data: Float64Array.from(t.data as Float32Array) });
  expectClose(await logitsWith(f64), values(model, "left", "logits"), tolerance);

  const bits = (t: NamedTensor) => new Uint32Array((t.data as Float32Array).slice().buffer);
  const bf16 = (t: NamedTensor) => ({ ...t, dtype: "bf16", data: Uint16Array.from(bits(t), (b) => b >>> 16) });
  const cut = (t: NamedTensor) => ({ ...t, data: new Float32Array(bits(t).map((b) => b & 0xffff0000).buffer) });
  expect(await logitsWith(bf16)).toEqual(await logitsWith(cut));
});

test("names without gpt_neox., as a base model's checkpoint has them, and lm_head", async () => {
  const names = new Map(model.weights.names.map((name) => [name.replace("gpt_neox.", "").replace("embed_out", "lm_head"), name]));
  using neox = open({ has: (name) => names.has(name), read: (name) => model.weights.read(names.get(name)!) });
  using logits = (await neox.run(paddedRows(model, "left"), { logits: true })).logits!;
  expectClose(await logits.read(), values(model, "left", "logits"), tolerance);
});

test("tied embeddings: the head is the table", async () => {
  const table = await model.weights.read("gpt_neox.embed_in.weight");
  const separate = await logitsWith((t) => (t.name === "embed_out.weight" ? { ...table, name: t.name } : t));
  expect(await logitsWith((t) => t, { tiedEmbeddings: true })).toEqual(separate);
});

test("without attention_bias the projections have none", async () => {
  const noBias = (name: string) => /attention\.(query_key_value|dense)\.bias$/.test(name);
  const zero = await logitsWith((t) => (noBias(t.name) ? { ...t, data: new Float32Array(t.shape[0]) } : t));
  expect(await logitsWith((t) => (noBias(t.name) ? (undefined as never) : t), { attentionBias: false })).toEqual(zero);
});

describe("a checkpoint that does not fit is refused by the tensor's name", () => {
  const bad = "gpt_neox.layers.1.mlp.dense_4h_to_h.weight";
  const damaged = (t: NamedTensor, data: ArrayBufferView, dtype = t.dtype) => (t.name === bad ? { ...t, data, dtype } : t);
  const f32 = (value: number) => new Float32Array(32 * 128).fill(value, 7, 8);
  const u16 = (bits: number) => new Uint16Array(32 * 128).fill(bits, 7, 8);
  test.each<[string, (t: NamedTensor) => NamedTensor, string, string]>([
    ["NaN", (t) => damaged(t, f32(NaN)), "FORMAT", `${bad}: expected finite values, got NaN or infinity at element 7`],
    ["-Infinity", (t) => damaged(t, f32(-Infinity)), "FORMAT", `${bad}: expected finite values, got NaN or infinity at element 7`],
    ["infinite f16", (t) => damaged(t, u16(0xfc00), "f16"), "FORMAT", `${bad}: expected finite values, got NaN or infinity at element 7`],
    ["NaN in bf16", (t) => damaged(t, u16(0x7fc0), "bf16"), "FORMAT", `${bad}: expected finite values, got NaN or infinity at element 7`],
    ["f64 past f32", (t) => damaged(t, new Float64Array(32 * 128).fill(1e300, 7, 8), "f64"), "FORMAT", `${bad}: expected finite values, got NaN or infinity at element 7`],
    ["integers", (t) => damaged(t, new Int8Array(32 * 128), "i8"), "UNSUPPORTED", `${bad}: expected dtype f16, bf16, f32 or f64, got i8`],
    ["another shape", (t) => (t.name === bad ? { ...t, shape: [128, 32] } : t), "SHAPE", `${bad}: expected [32,128] by config.json, got [128,32]`],
  ])("%s", async (_, change, code, message) => {
    using neox = open(recording(change).reader);
    await expect(neox.run(rows, { at: { "layers.1.resid_post": () => {} } })).rejects.toMatchObject({ name: "NeoxError", code, message });
    await neox.run(rows, { at: { "layers.0.resid_post": () => {} } }); // not needed, not noticed
  });

  test("the largest finite values pass", async () => {
    using neox = open(recording((t) => (t.name === bad ? { ...t, dtype: "f16", data: u16(0x7bff) } : t)).reader);
    expect(await neox.run(rows, { at: { "layers.1.resid_post": () => {} } })).toEqual({});
  });

  test("a tensor that is not there; a base model has no head", async () => {
    const without = (name: string): WeightReader => ({ has: (asked) => asked !== name && model.weights.has(asked), read: (asked) => model.weights.read(asked) });
    await expect(open(without(bad)).run(rows, { logits: true })).rejects.toMatchObject({ code: "FORMAT", message: `${bad}: expected it in the checkpoint, got no such tensor` });
    await expect(open(without("embed_out.weight")).run(rows, { logits: true })).rejects.toMatchObject({ code: "FORMAT", remedy: expect.stringContaining("base model") });
  });
});
