import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { memorySource, openTorch, writeTorch } from "@dictlearn/checkpoint";
import { devices, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { specs, trained } from "../../../../oracles/trained/runs.ts";
import { dense, expectNear, jsonOracle, openOracle, support } from "../../test/oracles.js";
import * as sae from "../index.js";
import { readDictionaryLearning, readWeights, stateDict, type SavedClass } from "../index.js";

// Training runs of ours whose files dictionary_learning opened (oracles/trained).

const runs = Object.entries(specs(sae));
const data = readOracle("trainers/data.safetensors").x.data as Float32Array;
const io = readOracle("trained/opened.safetensors");
const opened = jsonOracle("trained/opened.json") as Record<string, { class: string; tensors: string[]; "ae.pt": string; "config.json": string }>;
const classes = Object.values(sae).filter((value) => typeof value === "object" && "tensors" in value) as unknown as SavedClass<object>[];
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const file = (name: string) => readFileSync(oracle(`trained/${name}`));
const [{ device }] = await devices();

test("every run was opened", () => {
  expect(runs.map(([name]) => name).sort()).toEqual(Object.keys(opened).sort());
});

describe.each(runs)("%s", (name, spec) => {
  test("trained again, config.json is the same and ae.pt too, but for rounding", async () => {
    const { tensors, config } = await trained(sae, spec, { device: device!, data });
    expect(`${JSON.stringify(config, null, 4)}\n`).toBe(file(`${name}/config.json`).toString());
    const [before, now] = [await openOracle(`trained/${name}/ae.pt`), await openTorch(memorySource(Buffer.concat([...writeTorch(tensors)])))];
    expect(now.names).toEqual(before.names);
    for (const tensor of before.names) {
      const [then, today] = [await before.read(tensor), await now.read(tensor)];
      expect({ dtype: today.dtype, shape: today.shape }).toEqual({ dtype: then.dtype, shape: then.shape });
      const values = Array.from(then.data as Float32Array, Number);
      const largest = Math.max(...values.map(Math.abs));
      Array.from(today.data as Float32Array, Number).forEach((value, i) => expect(Math.abs(value - values[i]), `${tensor}[${i}]`).toBeLessThanOrEqual(then.dtype === "f32" ? 1e-4 * largest : 0));
    }
  });

  test("the files are those that were opened, and of their weights we write the same bytes", async () => {
    expect({ "ae.pt": sha256(file(`${name}/ae.pt`)), "config.json": sha256(file(`${name}/config.json`)) }).toEqual({ "ae.pt": opened[name]["ae.pt"], "config.json": opened[name]["config.json"] });
    const saved = classes.find((one) => one.name === opened[name].class)!;
    const checkpoint = await openOracle(`trained/${name}/ae.pt`);
    expect(checkpoint.names).toEqual(opened[name].tensors);
    const tensors = stateDict(saved, await readWeights(saved, checkpoint));
    expect(sha256(Buffer.concat([...writeTorch(tensors)]))).toBe(opened[name]["ae.pt"]);
  });

  test("encodes and decodes here as it did there", async () => {
    const dictionary = await readDictionaryLearning(await openOracle(`trained/${name}/ae.pt`), { device: device!, config: JSON.parse(file(`${name}/config.json`).toString()) });
    await device!.scope(async () => {
      const features = dictionary.encode(device!.tensor(io.x.data as Float32Array, io.x.shape));
      const got = await dense(features);
      expect(support(got)).toEqual(support(io[`${name}/f`].data));
      expectNear(got, io[`${name}/f`].data);
      expectNear(await dictionary.decode(features).read(), io[`${name}/x_hat`].data);
    });
    dictionary.dispose();
  });
});
