import { readdirSync } from "node:fs";
import { type Device, SparseFeatures } from "@dictlearn/kernels";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense, expectNear, jsonOracle, openSafetensorsOracle, support } from "../../test/oracles.js";
import { foldActivationScale, formatNamed, type HostDictionary, openHostDictionary } from "../index.js";

// Dictionaries as SAELens itself saved them and computed with them (oracles/formats/README.md).

const saeLens = formatNamed("saelens");
const names = readdirSync(oracle("formats/saelens"));
const read = async (name: string): Promise<HostDictionary> => saeLens.read(await openSafetensorsOracle(`formats/saelens/${name}/sae_weights.safetensors`), { subject: name, config: jsonOracle(`formats/saelens/${name}/cfg.json`) });
const recorded = (name: string) => readOracle(`formats/saelens/${name}/io.safetensors`) as Record<string, { data: Float32Array; shape: number[] }>;

/** As training encodes, with the k·B largest of the batch: its outputs are not those of use. */
const training = ["batchtopk_trained_full", "matryoshka_trained_full"];

/** Rows of x, flattened where a row is heads. */
const upload = (device: Device, { data, shape }: { data: Float32Array; shape: number[] }) => device.tensor(data, [shape[0], data.length / shape[0]]);

function expectAsRecorded(name: string, got: ArrayLike<number>, expected: Float32Array): void {
  if (name.endsWith("bfloat16")) expectClose(got, expected, { absolute: 2e-2 * Math.max(...expected.map(Math.abs)) }); // it computed in bf16, where what is nearly 0 may be 0
  else expectNear(got, expected);
}

/** Every entry of f32[B,F], as features. */
function allEntries(device: Device, { data, shape: [B, F] }: { data: Float32Array; shape: number[] }): SparseFeatures {
  const rowStart = Uint32Array.from({ length: B + 1 }, (_, b) => b * F);
  return new SparseFeatures([B, F], device.tensor(rowStart, [B + 1]), device.tensor(Uint32Array.from(data, (_, i) => i % F), [B * F]), device.tensor(data, [B * F]));
}

test("there is something to read", () => {
  expect(names.length).toBe(29);
});

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(names.filter((name) => !training.includes(name)))("%s encodes and decodes as SAELens's", async (name) => {
    const io = recorded(name);
    const before = device!.bytesInUse;
    const host = await read(name);
    const dictionary = openHostDictionary(device!, host);
    expect([dictionary.D, dictionary.F, dictionary.output?.D]).toEqual([12, 40, name.includes("transcoder") ? jsonOracle(`formats/saelens/${name}/cfg.json`).d_out : undefined]);
    await device!.scope(async () => {
      const x = upload(device!, io.x);
      const features = dictionary.encode(x);
      const got = await dense(features);
      if (!name.endsWith("bfloat16")) expect(support(got)).toEqual(support(io.f.data));
      expectAsRecorded(name, got, io.f.data);
      expectAsRecorded(name, await dictionary.decode(features, x).read(), io.x_hat.data);
      if (io.decoded) expectNear(await dictionary.decode(features, device!.tensor(new Float32Array(20 * 12), [20, 12])).read(), io.decoded.data); // nothing skips from 0
    });
    dictionary.dispose();
    dictionary.dispose();
    expect(device!.bytesInUse).toBe(before);
  });

  test.skipIf(skipped).each(training)("%s encodes as what SAELens exports of it; its own largest k·B are those of the batch in training", async (name) => {
    const [io, exported] = [recorded(name), recorded(name.replace("_full", ""))];
    const host = await read(name);
    const dictionary = openHostDictionary(device!, host);
    const open = openHostDictionary(device!, { ...host, weights: { ...host.weights, threshold: -1 } }); // every feature > 0
    await device!.scope(async () => {
      const x = upload(device!, exported.x);
      const features = dictionary.encode(x);
      const got = await dense(features);
      expect(support(got)).toEqual(support(exported.f.data));
      expectNear(got, exported.f.data);
      expectNear(await dictionary.decode(features).read(), exported.x_hat.data);

      expectNear(await dictionary.decode(allEntries(device!, io.f)).read(), io.x_hat.data);
      const positive = await dense(open.encode(upload(device!, io.x)));
      const least = Float32Array.from(positive).sort().at(-Math.floor(jsonOracle(`formats/saelens/${name}/cfg.json`).k * 20))!;
      expectNear(positive.map((value) => (value >= least ? value : 0)), io.f.data);
    });
    dictionary.dispose();
    open.dispose();
  });

  test.skipIf(skipped)("expected_average_only_in: the factor folded in gives what SAELens's fold gives", async () => {
    const io = recorded("standard_expected_average");
    const dictionary = openHostDictionary(device!, foldActivationScale(await read("standard_expected_average"), io.folded_factor.data[0]));
    await device!.scope(async () => {
      const features = dictionary.encode(upload(device!, io.x));
      const got = await dense(features);
      expect(support(got)).toEqual(support(io.folded_f.data));
      expectNear(got, io.folded_f.data);
      expectNear(await dictionary.decode(features).read(), io.folded_x_hat.data);
    });
    dictionary.dispose();
  });
});

test.each<[string, unknown]>([
  ["no list", { length: 3 }],
  ["no numbers", [10, "20", 40]],
  ["what can't be made a number", [10, { toString: "x" }, 40]],
  ["what does not ascend", [20, 10, 40]],
  ["what ends beyond F", [10, 50]],
])("matryoshka_widths: %s is refused", async (_, matryoshka_widths) => {
  const name = "matryoshka_trained_full";
  const reading = saeLens.read(await openSafetensorsOracle(`formats/saelens/${name}/sae_weights.safetensors`), { subject: name, config: { ...jsonOracle(`formats/saelens/${name}/cfg.json`), matryoshka_widths } });
  await expect(reading).rejects.toMatchObject({ code: "FORMAT", message: `${name}: expected matryoshka_widths that ascend to 40, got ${JSON.stringify(matryoshka_widths)} (cfg.json)` });
});
