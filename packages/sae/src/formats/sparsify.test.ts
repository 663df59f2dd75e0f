import { readdirSync } from "node:fs";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { dense, expectNear, jsonOracle, openSafetensorsOracle, support } from "../../test/oracles.js";
import { formatNamed, openHostDictionary } from "../index.js";

// Dictionaries as sparsify itself saved them and computed with them (oracles/formats/README.md).

const sparsify = formatNamed("sparsify");
const names = readdirSync(oracle("formats/sparsify"));
const read = async (name: string) => sparsify.read(await openSafetensorsOracle(`formats/sparsify/${name}/sae.safetensors`), { subject: name, config: jsonOracle(`formats/sparsify/${name}/cfg.json`) });

test("there is something to read", () => {
  expect(names.length).toBe(7);
});

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(names)("%s encodes and decodes as sparsify's", async (name) => {
    const io = readOracle(`formats/sparsify/${name}/io.safetensors`) as Record<string, { data: Float32Array; shape: number[] }>;
    const [B, k, F] = [20, io.top_acts.shape[1], io.pre_acts.shape[1]];
    const f = new Float32Array(B * F);
    (io.top_indices.data as unknown as BigInt64Array).forEach((feature, i) => (f[Math.floor(i / k) * F + Number(feature)] = io.top_acts.data[i]));
    const near = (got: ArrayLike<number>, expected: Float32Array) => (name.endsWith("bfloat16") ? expectClose(got, expected, { absolute: 2e-2 * Math.max(...expected.map(Math.abs)) }) : expectNear(got, expected));

    const before = device!.bytesInUse;
    const dictionary = openHostDictionary(device!, await read(name));
    expect([dictionary.D, dictionary.F, dictionary.output?.D]).toEqual([12, F, name.includes("transcoder") ? 12 : undefined]);
    await device!.scope(async () => {
      const x = device!.tensor(io.x.data as Float32Array, [B, 12]);
      const features = dictionary.encode(x);
      const got = await dense(features);
      expect(support(got)).toEqual(support(f));
      near(got, f);
      if (!name.startsWith("skip")) near(await dictionary.decode(features).read(), io.decoded.data);
      else near(await dictionary.decode(features, device!.tensor(new Float32Array(B * 12), [B, 12])).read(), io.decoded.data); // nothing skips from 0
      if (name !== "multi_topk") near(await dictionary.decode(features, x).read(), io.sae_out.data); // there sae_out is of the 4k largest
    });
    dictionary.dispose();
    expect(device!.bytesInUse).toBe(before);
  });
});
