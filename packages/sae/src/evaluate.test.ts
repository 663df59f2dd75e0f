import { readFileSync } from "node:fs";
import { type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { evaluateActivations, readDictionaryLearning, type DictionaryMetrics } from "./index.js";

const expected: Record<string, Record<string, DictionaryMetrics>> = JSON.parse(readFileSync(oracle("metrics/evaluate/expected.json"), "utf8"));
const { x } = readOracle("metrics/evaluate/x.safetensors"); // f32[256,16]
const weights = readOracle("metrics/evaluate/relu.safetensors");
const D = 16;

const file = {
  names: Object.keys(weights),
  info: async (name: string) => weights[name],
  read: async (name: string) => ({ dtype: "F32", data: Float32Array.from(weights[name].data) }),
};

/** DL's normalize_batch: x / mean norm · √D. */
function normalized(rows: Float32Array): Float32Array {
  let norms = 0;
  for (let start = 0; start < rows.length; start += D) norms += Math.hypot(...rows.subarray(start, start + D));
  const scale = Math.sqrt(D) / (norms / (rows.length / D));
  return rows.map((value) => value * scale);
}

describe.each(await devices())("on $name", ({ device, skipped }) => {
  const rows = Float32Array.from(x.data);
  const cases: [string, Float32Array[]][] = [
    ["one_batch", [rows]],
    ["one_batch_float64", [rows]],
    ["two_batches", [rows.subarray(0, 100 * D), rows.subarray(100 * D)]],
    ["normalize_batch", [normalized(rows)]],
  ];
  test.skipIf(skipped).each(cases)("%s is what dictionary_learning's evaluate says", async (name, batches) => {
    const dictionary = await readDictionaryLearning(file, { device: device!, normalizeDecoder: false, config: { trainer: { dict_class: "AutoEncoder" } } });
    const before = device!.bytesInUse;
    const tensors: Tensor[] = batches.map((batch) => device!.tensor(Float32Array.from(batch), [batch.length / D, D]));
    const metrics = await evaluateActivations(dictionary, tensors);
    for (const tensor of tensors) tensor.dispose();
    const names = Object.keys(expected.relu[name]) as (keyof DictionaryMetrics)[];
    expect(Object.keys(metrics).sort()).toEqual([...names].sort());
    expectClose(names.map((name) => metrics[name]), names.map((one) => expected.relu[name][one]), { relative: 1e-5 });
    dictionary.dispose();
    expect(device!.bytesInUse).toBeLessThan(before);
  });
});
