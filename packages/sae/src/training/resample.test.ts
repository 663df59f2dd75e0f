import { openRng, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { adamFor } from "./adam.js";
import { deadFeatures, drawRows, resampleDead } from "./resample.js";

test("a row is drawn first with a chance in proportion to its weight, and never twice", () => {
  const weights = [1, 2, 0, 4, 1];
  const [first, second] = [new Float64Array(5), new Float64Array(5)];
  const n = 20_000;
  const rng = openRng({ seed: 3, stream: "resample" });
  for (let i = 0; i < n; i++) {
    const rows = drawRows(weights, 5, rng);
    expect(new Set(rows).size).toBe(4); // the one without weight is never drawn
    first[rows[0]]++;
    if (rows[0] === 3) second[rows[1]]++;
  }
  const within5Sigma = (counts: Float64Array, chances: number[], of: number) => counts.forEach((count, row) => expect(Math.abs(count - of * chances[row])).toBeLessThanOrEqual(5 * Math.sqrt(of * chances[row] * (1 - chances[row]))));
  within5Sigma(first, [1 / 8, 2 / 8, 0, 4 / 8, 1 / 8], n);
  within5Sigma(second, [1 / 4, 2 / 4, 0, 0, 1 / 4], first[3]); // once the fourth is gone
});

test("fewer rows than asked for, none without weight, ties in order", () => {
  expect(drawRows([0, 0], 2, openRng({ seed: 1, stream: "resample" }))).toEqual([]);
  expect(drawRows([Number.NaN, 1], 2, openRng({ seed: 1, stream: "resample" }))).toEqual([1]);
  expect(drawRows([1, 1, 1], 2, { uniform: (n) => new Float32Array(n).fill(0.5) })).toEqual([0, 1]);
});

const [F, D, B] = [7, 5, 4];
describe.each(await devices())("on $name", ({ device, skipped }) => {
  const up = (data: Float32Array, shape: number[]) => device!.tensor(data, shape);
  const host = async (tensor: Tensor) => (await tensor.read()) as Float32Array;
  const row = (matrix: Float32Array, at: number) => [...matrix.subarray(at * D, (at + 1) * D)];

  test.skipIf(skipped)("dead features are those silent for more than half of the interval", () =>
    device!.scope(async () => expect(await deadFeatures(device!.tensor(Uint32Array.of(0, 5, 6, 11, 0), [5]), 10)).toEqual([2, 3])),
  );

  test.skipIf(skipped)("the first dead features point at the drawn rows, their moments are forgotten, the rest stays as it was", () =>
    device!.scope(async () => {
      const before = { encoder: seededNormal(1, F * D), encoderBias: seededNormal(2, F), decoder: seededNormal(3, F * D) };
      const parameters = { encoder: up(before.encoder, [F, D]), encoderBias: up(before.encoderBias, [F]), decoder: up(before.decoder, [F, D]) };
      const adam = adamFor(parameters);
      for (const tensor of [...Object.values(adam.m), ...Object.values(adam.v)]) device!.write(tensor, new Float32Array(tensor.size).fill(1));
      const x = seededNormal(4, B * D).fill(0, 2 * D, 3 * D); // a row of zeros has no direction
      const dead = [0, 2, 3, 6, 5].sort();
      const { features, rows } = await resampleDead(dead, up(Float32Array.of(1, 2, 9, 1), [B]), up(x, [B, D]), parameters, adam, openRng({ seed: 5, stream: "resample" }));
      expect(features).toEqual([0, 2, 3]);
      expect([...rows].sort()).toEqual([0, 1, 3]);

      const [encoder, encoderBias, decoder] = await Promise.all([parameters.encoder, parameters.encoderBias, parameters.decoder].map(host));
      const norm = (values: number[]) => Math.hypot(...values);
      const living = [1, 4].map((f) => norm(row(before.encoder, f)));
      for (let f = 0; f < F; f++) {
        const i = features.indexOf(f);
        const vector = i < 0 ? [] : row(x, rows[i]);
        expectClose(row(encoder, f), i < 0 ? row(before.encoder, f) : vector.map((v) => (v * 0.2 * (living[0] + living[1])) / 2), { absolute: i < 0 ? 0 : 1e-6 });
        expectClose(row(decoder, f), i < 0 ? row(before.decoder, f) : vector.map((v) => v / norm(vector)), { absolute: i < 0 ? 0 : 1e-6 });
        expect(encoderBias[f]).toBe(i < 0 ? before.encoderBias[f] : 0);
      }
      for (const moments of [adam.m, adam.v])
        for (const name of ["encoder", "encoderBias", "decoder"] as const) {
          const values = await host(moments[name]);
          const width = values.length / F;
          expect([...values]).toEqual(Array.from(values, (_, at) => (features.includes(Math.floor(at / width)) ? 0 : 1)));
        }
      for (const tensor of [...Object.values(adam.m), ...Object.values(adam.v)]) tensor.dispose();
    }),
  );
});
