import { devices } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { openOracle } from "../../test/oracles.js";
import { readDictionaryLearning, type TensorFile } from "../index.js";

// A file that is damaged in one place, of every class: refused in one line that names the place.

interface Tensor {
  dtype: string;
  shape: readonly number[];
  data: Float32Array | Int32Array | BigInt64Array;
}
const names = ["AutoEncoder", "AutoEncoderNew", "GatedAutoEncoder", "JumpReluAutoEncoder", "AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"];
const [D, F] = [12, 40];
const [{ device }] = await devices();

/** Copies of the recorded tensors, to damage. */
async function tensorsOf(name: string): Promise<Map<string, Tensor>> {
  const file = await openOracle(`formats/dl/${name}/ae.pt`);
  return new Map(await Promise.all(file.names.map(async (tensor) => [tensor, (await file.read(tensor)) as Tensor] as const)));
}

const files = new Map(await Promise.all(names.map(async (name) => [name, await tensorsOf(name)] as const)));
const copyOf = (name: string) => new Map([...files.get(name)!].map(([key, tensor]) => [key, { ...tensor, data: tensor.data.slice() as Tensor["data"] }]));

async function expectRefusal(name: string, tensors: Map<string, Tensor>, message: string | RegExp): Promise<void> {
  const file: TensorFile = { names: [...tensors.keys()], info: async (key) => tensors.get(key)!, read: async (key) => tensors.get(key)! };
  const before = device!.bytesInUse;
  const error = await readDictionaryLearning(file, { device: device!, subject: "ae.pt", config: { trainer: { dict_class: name } } }).then(
    () => undefined,
    (thrown) => thrown,
  );
  expect(error).toMatchObject({ name: "DictionaryError", code: expect.stringMatching(/^(FORMAT|UNSUPPORTED)$/) });
  if (typeof message === "string") expect(error.message).toBe(message);
  else expect(error.message).toMatch(message);
  expect(error.message).not.toContain("\n");
  expect(device!.bytesInUse).toBe(before);
}

const every = names.flatMap((name) => [...files.get(name)!.keys()].map((key) => [name, key] as const));
const floats = every.filter(([name, key]) => files.get(name)!.get(key)!.data instanceof Float32Array);
const arrays = every.filter(([name, key]) => files.get(name)!.get(key)!.shape.length > 0);
const matrices = every.filter(([name, key]) => files.get(name)!.get(key)!.shape.length === 2);

test.each(every)("%s without %s", async (name, key) => {
  const tensors = copyOf(name);
  tensors.delete(key);
  await expectRefusal(name, tensors, `ae.pt: expected ${[...files.get(name)!.keys()].join(", ")} (${name}), got no ${key}`);
});

test.each(names)("%s with a tensor more", async (name) => {
  const tensors = copyOf(name).set("surprise", { dtype: "f32", shape: [1], data: Float32Array.of(1) });
  await expectRefusal(name, tensors, `ae.pt: expected ${[...files.get(name)!.keys()].join(", ")} (${name}), got also surprise`);
});

test.each(floats)("%s with NaN in %s", async (name, key) => {
  const tensors = copyOf(name);
  const { data } = tensors.get(key)!;
  data[data.length - 1] = NaN;
  await expectRefusal(name, tensors, `ae.pt: expected finite ${key}, got NaN at ${data.length - 1}`);
});

test.each(matrices)("%s with %s transposed", async (name, key) => {
  const tensors = copyOf(name);
  const { shape } = tensors.get(key)!;
  tensors.set(key, { ...tensors.get(key)!, shape: [shape[1], shape[0]] });
  await expectRefusal(name, tensors, `ae.pt: expected ${key} [${shape}], got [${shape[1]},${shape[0]}] (D = ${D}, F = ${F} by the biases)`);
});

test.each(arrays)("%s with %s of another length", async (name, key) => {
  const tensors = copyOf(name);
  const tensor = tensors.get(key)!;
  const shape = [tensor.shape[0] + 1, ...tensor.shape.slice(1)];
  const size = shape.reduce((product, n) => product * n, 1);
  const data = tensor.data instanceof BigInt64Array ? BigInt64Array.from({ length: size }, () => 5n) : new Float32Array(size).fill(0.5);
  await expectRefusal(name, tensors.set(key, { ...tensor, shape, data }), key === "group_sizes" ? /^ae.pt: expected group_sizes > 0 that add up to 40, got / : /^ae.pt: expected \S+ \[[\d,]+\], got \[[\d,]+\]/);
});

test.each(every)("%s with %s as a number too few dimensions, or too many", async (name, key) => {
  const tensor = files.get(name)!.get(key)!;
  const shapes = [tensor.shape.length ? tensor.shape.slice(1) : [1], [1, ...tensor.shape]];
  for (const shape of shapes) await expectRefusal(name, copyOf(name).set(key, { ...tensor, shape }), /^ae.pt: expected \S+ \[[\dn,]*\], got \[[\d,]*\]/);
});

describe.each(["AutoEncoderTopK", "BatchTopKSAE", "MatryoshkaBatchTopKSAE"])("%s", (name) => {
  test.each([0, -1, F + 1, -(2 ** 31)])("with k = %i", async (k) => {
    await expectRefusal(name, copyOf(name).set("k", { dtype: "i32", shape: [], data: Int32Array.of(k) }), `ae.pt: expected k from 1 to ${F}, got ${k}`);
  });
  test("with k as a float", async () => {
    await expectRefusal(name, copyOf(name).set("k", { dtype: "f32", shape: [], data: Float32Array.of(4) }), "ae.pt: expected k in i32 or i64, got f32");
  });
});

test.each([
  ["one group short", [10n, 10n], "10 + 10 = 20"],
  ["a negative group", [50n, -10n], "50 + -10 = 40"],
  ["an empty group", [40n, 0n], "40 + 0 = 40"],
  ["no group", [], " = 0"],
  ["many ones", Array<bigint>(41).fill(1n), "1 + 1 + 1 + 1 + 1 + 1 + 1 + 1 + … = 41"],
  ["a number past 2^53", [2n ** 62n, 40n - 2n ** 62n], "4611686018427388000 + -4611686018427388000 = 0"],
])("groups: %s", async (_, sizes, sum) => {
  const tensors = copyOf("MatryoshkaBatchTopKSAE").set("group_sizes", { dtype: "i64", shape: [sizes.length], data: BigInt64Array.from(sizes) });
  await expectRefusal("MatryoshkaBatchTopKSAE", tensors, `ae.pt: expected group_sizes > 0 that add up to ${F}, got ${sum}`);
});

test("a name of megabytes, and many of them", async () => {
  const tensors = copyOf("AutoEncoder");
  for (let i = 0; i < 20; i++) tensors.set(`${i}`.repeat(2 ** 20), { dtype: "f32", shape: [1], data: Float32Array.of(1) });
  await expectRefusal("AutoEncoder", tensors, /^.{1,501}$/);
});

test("no width at all", async () => {
  const empty = (shape: number[]) => ({ dtype: "f32", shape, data: new Float32Array(0) });
  await expectRefusal("AutoEncoder", new Map([["bias", empty([0])], ["encoder.weight", empty([0, 0])], ["encoder.bias", empty([0])], ["decoder.weight", empty([0, 0])]]), "ae.pt: expected D and F > 0, got D = 0, F = 0");
});
