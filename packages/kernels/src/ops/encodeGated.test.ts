import { decodeSparse, encodeGated, linear, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, seededFeatures, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { gatedAt, gatedSlopes } from "./gatedAt.js";

const given = (B: number, D: number, F: number): Input[] => [[seededNormal(1, B * D), [B, D]], [seededNormal(2, F * D), [F, D]], ...[3, 4, 5].map((seed): Input => [seededNormal(seed, F), [F]])];

describe.each(await devices())("a gated dictionary on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [1, 1, 1],
    [7, 3, 5],
    [33, 6, 67],
  ])("%i rows of %i in %i features: gates that are open, with their values", async (B, D, F) => {
    await device.scope(async () => {
      const [x, encoder, gateBias, magnitudeBias, r] = given(B, D, F).map(([data, shape]) => device.tensor(data, shape)) as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const [, , [g], [m], [s]] = given(B, D, F);
      const products = await linear(x, encoder).read();
      const { features, gates } = encodeGated(x, encoder, gateBias, magnitudeBias, r);
      const open = [...products.keys()].filter((i) => products[i] + g[i % F] > 0);
      const [got, gate] = [await features.read(), await gates.read()];
      expect([...got.index]).toEqual(open.map((i) => i % F));
      expect([...gate.index]).toEqual([...got.index]);
      expect([...gate.values]).toEqual(open.map((i) => Math.fround(products[i] + g[i % F])));
      const values = open.map((i) => Math.max(0, Math.exp(s[i % F]) * products[i] + m[i % F]));
      values.forEach((v, i) => expect(Math.abs(got.values[i] - v)).toBeLessThanOrEqual(1e-5 * (1 + Math.abs(v))));
    });
  });

  test.skipIf(skipped).each([
    [1, 1, 1],
    [5, 3, 7],
    [4, 6, 11],
  ])("%i rows of %i in %i features: gradients through features and gates are finite differences", async (B, D, F) => {
    const inputs: Input[] = [...given(B, D, F), [seededNormal(6, F * D), [F, D]]];
    await expectGradients(
      device,
      inputs,
      (x, encoder, gateBias, magnitudeBias, r, decoder) => {
        const { features, gates } = encodeGated(x, encoder, gateBias, magnitudeBias, r);
        return [decodeSparse(features, decoder), decodeSparse(gates, decoder)];
      },
      { absolute: 2e-5, relative: 2e-5 },
    );
  });

  test.skipIf(skipped).each([
    [1, 1, 1],
    [300, 67, 60],
  ])("%i rows, %i features, up to %i entries: at the entries", async (B, F, most) => {
    const [, index, products] = seededFeatures(1, B, F, most);
    const inside: Input = [index[0].map((f) => Math.min(f, F - 1)) as Uint32Array, index[1]];
    const n = products[0].length;
    const perFeature = [2, 3, 4].map((seed): Input => [seededNormal(seed, F), [F]]);
    await expectReference(device, [inside, products, ...perFeature], (index, products, gateBias, magnitudeBias, scale) => Object.values(gatedAt({ index, products, gateBias, magnitudeBias, scale })), { absolute: 1e-6, relative: 1e-6 });
    const perEntry = [5, 6, 7].map((seed): Input => [seededNormal(seed, n), [n]]);
    await expectReference(device, [inside, ...perEntry, ...perFeature.slice(1)], (index, values, slopes, gateSlopes, magnitudeBias, scale) => Object.values(gatedSlopes({ index, values, slopes, gateSlopes, magnitudeBias, scale })), { absolute: 2e-6, relative: 1e-6 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      const [x, encoder, bias] = [device.zeros([8, 4]), device.zeros([16, 4]), device.zeros([16])];
      expect(() => encodeGated(x, encoder, bias, device.zeros([4]), bias)).toThrow("encodeGated: expected magnitudeBias f32[16], got f32[4] (encoder is f32[16,4])");
    });
  });
});
