import { autoEncoderTopK } from "@dictlearn/sae";
import { devices, expectClose, oracle, seededNormal } from "@dictlearn/testing";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { openModel } from "../index.js";
import { decoderFacts } from "./featureDetails.js";
import { featureDirections } from "./featureDirections.js";
import { directWay } from "./logitLens.js";
import { nearestFeatures } from "./nearestFeatures.js";

const folder = fileURLToPath(oracle("sparse-rep/model"));
const dot = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a).reduce((sum, x, i) => sum + x * b[i], 0);
const rowsOf = (all: Float32Array, D: number) => Array.from({ length: all.length / D }, (_, r) => Array.from(all.subarray(r * D, (r + 1) * D)));

describe.each(await devices())("on $name", ({ device, skipped }) => {
  const F = 37;

  test.skipIf(skipped)("the direct way to the logits is that of a dense product in f64, and the strongest tokens are its largest", async () => {
    const model = await openModel(folder, { device: device! });
    const D = model.width;
    const decoder = seededNormal(1, F * D);
    const dictionary = autoEncoderTopK(device!, { decoderBias: seededNormal(2, D), encoder: seededNormal(3, F * D), encoderBias: new Float32Array(F), decoder, k: 3, threshold: -1 });
    const [embedOut, norm, dense] = (await Promise.all(["embed_out.weight", "final_layer_norm.weight", "layers.1.attention.dense.weight"].map(async (name) => (await model.neox.weight(name)).read()))) as Float32Array[];
    const U = rowsOf(embedOut, D);
    const mean = Array.from({ length: D }, (_, d) => U.reduce((sum, row) => sum + row[d], 0) / U.length);
    const out = rowsOf(dense, D); // [D,D], out[i][j] from j
    const ways = {
      "layers.1.mlp_out": (v: number[]) => v.map((x, d) => (x - v.reduce((a, b) => a + b, 0) / D) * norm[d]),
      final_norm: (v: number[]) => v,
      "layers.1.attn_z": (v: number[]) => ways["layers.1.mlp_out"](out.map((row) => dot(row, v))),
    };
    for (const [site, through] of Object.entries(ways).slice(0, device!.kind === "webgpu" ? 1 : 3)) { // a software GPU is slow
      const facts = await decoderFacts(model, dictionary, { site, tokens: 4, nearest: 3 });
      const logits = rowsOf(decoder, D).map(through).map((v) => U.map((row) => dot(row.map((x, d) => x - mean[d]), v)));
      for (const [found, sign] of [[facts.promoted!, 1], [facts.suppressed!, -1]] as const)
        logits.forEach((row, f) => {
          const best = row.map((x) => sign * x).sort((a, b) => b - a).slice(0, 4);
          expectClose(found.values.subarray(4 * f, 4 * f + 4), best, { absolute: 2e-4, relative: 1e-4 });
          expectClose(Array.from(found.index.subarray(4 * f, 4 * f + 4), (token) => sign * row[token]), best, { absolute: 2e-4, relative: 1e-4 });
        });
      expect(facts.lens).toMatch(/^decoder row, through /);
    }
    expect(await directWay(model, "layers.0.mlp_in")).toBeUndefined();
    dictionary.dispose();
    await model.dispose();
  });

  test.skipIf(skipped)("directions are the decoder's rows; the nearest are those of the largest cosine, none of itself or of a row of zeros", async () => {
    const D = 8;
    const decoder = seededNormal(4, F * D);
    decoder.fill(0, 5 * D, 6 * D);
    decoder.set(decoder.subarray(0, D).map((x) => 3 * x), 7 * D); // the same way as 0
    const dictionary = autoEncoderTopK(device!, { decoderBias: seededNormal(5, D), encoder: seededNormal(6, F * D), encoderBias: new Float32Array(F), decoder, k: 3, threshold: -1 });
    using directions = featureDirections(dictionary);
    expectClose((await directions.read()) as Float32Array, decoder, { absolute: 1e-6 });
    const nearest = await nearestFeatures(directions, 4);
    const rows = rowsOf(decoder, D);
    const norms = rows.map((row) => Math.sqrt(dot(row, row)));
    rows.forEach((row, f) => {
      const cosines = rows.map((other, g) => (g === f || norms[f] * norms[g] === 0 ? -1 : dot(row, other) / (norms[f] * norms[g])));
      const expected = cosines.filter((x) => x > 0).sort((a, b) => b - a).slice(0, 4);
      expect(nearest[f]).toHaveLength(expected.length);
      expectClose(nearest[f].map(({ cosine }) => cosine), expected, { absolute: 1e-5 });
      expectClose(nearest[f].map(({ index }) => cosines[index]), expected, { absolute: 1e-5 });
    });
    expect(nearest[0][0].index).toBe(7);
    expect(nearest[5]).toEqual([]);
    dictionary.dispose();
  });
});
