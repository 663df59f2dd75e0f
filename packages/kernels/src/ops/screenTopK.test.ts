import { encodeTopK, linear, type Tensor } from "@dictlearn/kernels";
import { devices, runOn, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { topKInto } from "./topK.js";

// The screen is only a way to be fast: whatever it is given, the bytes are those of all pre-activations, selected from.

type Given = [x: Float32Array, encoder: Float32Array, bias: Float32Array];
const [B, D, F] = [67, 37, 403];
const normal = (B: number, D: number, F: number): Given => [seededNormal(1, B * D), seededNormal(2, F * D), seededNormal(3, F)];
/** The same with one of the three changed, number by number. */
const change = (which: 0 | 1 | 2, to: (v: number, row: number, column: number) => number): Given =>
  normal(B, D, F).map((data, i) => (i === which ? data.map((v, at) => (which === 2 ? to(v, 0, at) : to(v, Math.floor(at / D), at % D))) : data)) as Given;

/**
 * One direction v for all rows, and for every 8th feature x·w = |x| (1 + 1e-6 ...): differences far below what int16 can tell,
 * with roundings of its own in each feature. Only the bound says that all of these must be computed.
 */
function close(): Given {
  const [v, encoder] = [seededNormal(4, D), seededNormal(5, F * D)];
  const square = v.reduce((sum, a) => sum + a * a, 0);
  const noise = seededNormal(6, F);
  for (let f = 0; f < F; f++) {
    let along = 0;
    for (let d = 0; d < D; d++) along += v[d] * encoder[f * D + d];
    const wanted = f % 8 ? 0.5 * square : square * (1 + 1e-6 * noise[f]);
    for (let d = 0; d < D; d++) encoder[f * D + d] += ((wanted - along) / square) * v[d];
  }
  return [Float32Array.from({ length: B * D }, (_, i) => v[i % D] * (1 + Math.floor(i / D) / B)), encoder, new Float32Array(F)];
}

/** The same with two numbers a feature, and one in x: all its roundings have one sign and add up to half of what the bound allows. */
function aligned(): Given {
  const [noise, spread] = [seededNormal(6, F), seededNormal(7, F)];
  const encoder = Float32Array.from({ length: F * D }, (_, i) => {
    const f = Math.floor(i / D);
    const w = 1 + 0.1 * spread[f] * (i % D < D / 2 ? 1 : -1);
    return ((w * D) / (D + 0.1 * spread[f])) * (f % 8 ? 0.5 : 1 + 1e-6 * noise[f]); // D is odd: one more has the plus
  });
  return [Float32Array.from({ length: B * D }, (_, i) => 1 + Math.floor(i / D) / B), encoder, new Float32Array(F)];
}

const cases: [name: string, k: number, given: Given][] = [
  ["as it comes", 10, normal(B, D, F)],
  ["one feature a row", 1, normal(B, D, F)],
  ["whole tiles", 32, normal(256, 64, 512)],
  ["one past a tile", 33, normal(129, 65, 529)],
  ["as few columns as there may be", 3, normal(33, 8, 31)],
  ["a quarter of a thousand", 256, normal(32, 9, 2048)],
  ["closer than int16 can tell", 16, close()],
  ["roundings that add up", 16, aligned()],
  ["outlier columns", 16, change(0, (v, _, d) => (d % 17 === 3 ? 60 * v : v))],
  ["outlier columns in the encoder", 16, change(1, (v, _, d) => (d % 17 === 3 ? 60 * v : v))],
  ["features of very different length", 16, change(1, (v, f) => v * 10 ** ((f % 13) - 6))],
  ["rows of very different length", 16, change(0, (v, b) => v * 10 ** ((b % 25) - 20))],
  ["hardly any positive", 16, change(2, (v) => v - 18)],
  ["none positive", 16, change(2, () => -1e4)],
  ["all from the bias", 16, change(0, () => 0)],
  ["an encoder of zeros", 16, change(1, () => 0)],
  ["nothing at all", 16, [new Float32Array(B * D), new Float32Array(F * D), new Float32Array(F)]],
  ["pairs of the same feature", 15, [normal(B, D, F)[0], seededNormal(2, F * D).map((_, i, all) => all[(Math.floor(i / D) >> 1) * D + (i % D)]), new Float32Array(F)]],
  ["features too close to tell apart", 16, change(1, (_, f, d) => Math.sin(d) * (1 + f * 1e-7))],
  ["sums that are equal in the end", 16, change(1, (_, f, d) => (d < 3 ? 1 + (f % 2) : 0))],
  ["a NaN in some rows", 16, change(0, (v, b, d) => (b % 20 === 7 && d === 5 ? NaN : v))],
  ["an infinity in some rows", 16, change(0, (v, b, d) => (b % 20 === 7 && d === 5 ? -Infinity : v))],
  ["a NaN in the encoder", 16, change(1, (v, f, d) => (f === 5 && d === 5 ? NaN : v))],
  ["an infinite bias", 16, change(2, (v, _, f) => (f === 5 ? Infinity : v))],
  ["numbers next to the largest", 16, change(0, (v) => v * 1e37)],
  ["numbers next to the smallest", 16, change(1, (v) => v * 1e-38)],
  ["both so small that products vanish", 16, [seededNormal(1, B * D).map((v) => v * 1e-22), seededNormal(2, F * D).map((v) => v * 1e-22), new Float32Array(F)]],
];

describe.each((await devices()).filter(({ device }) => device?.exact))("screening on $name", ({ device }) => {
  test.each(cases)("%s: the bytes of the %i largest of all", async (_, k, [x, encoder, bias]) => {
    const F = bias.length;
    const D = encoder.length / F;
    const B = x.length / D;
    const inputs: Input[] = [[x, [B, D]], [encoder, [F, D]], [bias, [F]]];
    const screened = await runOn(device!, inputs, (...t) => {
      const { rowStart, index, values } = encodeTopK(...(t as [Tensor, Tensor, Tensor]), { k });
      return [rowStart, index, values];
    });
    const all = await runOn(device!, inputs, (x, encoder, bias) => {
      const features = { rowStart: device!.zeros([B + 1], "u32"), index: device!.zeros([B * k], "u32"), values: device!.zeros([B * k]) };
      topKInto(features, linear(x, encoder, bias), { k, at: 0 });
      return Object.values(features);
    });
    expect(screened).toEqual(all);
  });

  test("memory comes back, and rows that are done again leave none behind", () => {
    const [live, bytes] = [device!.scopes.live, device!.bytesInUse];
    for (const [, k, [x, encoder, bias]] of cases.filter(([name]) => /as it comes|NaN/.test(name)))
      device!.scope(() => void encodeTopK(device!.tensor(x, [B, D]), device!.tensor(encoder, [F, D]), device!.tensor(bias, [F]), { k }));
    expect([device!.scopes.live, device!.bytesInUse]).toEqual([live, bytes]);
  });
});
