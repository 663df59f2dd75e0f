import { decodeSparse, encodeBatchTopK, linear, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const given = (B: number, D: number, F: number): Input[] => [[seededNormal(1, B * D), [B, D]], [seededNormal(2, F * D), [F, D]], [seededNormal(3, F), [F]]];

describe.each(await devices())("encodeBatchTopK on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [0, 3, 5, 2],
    [1, 1, 1, 1],
    [2, 3, 5, 5],
    [33, 20, 131, 7],
  ])("%i rows of %i in %i features: the %i a row that are the largest of all", async (B, D, F, k) => {
    await device.scope(async () => {
      const [x, encoder, bias] = given(B, D, F).map(([data, shape]) => device.tensor(data, shape)) as [Tensor, Tensor, Tensor];
      const relu = (await linear(x, encoder, bias).read()).map((v) => Math.max(0, v));
      const { rowStart, index, values } = await encodeBatchTopK(x, encoder, bias, { k }).read();
      const best = [...relu.keys()].sort((i, j) => relu[j] - relu[i] || i - j).slice(0, k * B).sort((i, j) => i - j);
      expect([...index]).toEqual(best.map((i) => i % F));
      expect([...values]).toEqual(best.map((i) => relu[i]));
      expect([...rowStart]).toEqual(Array.from({ length: B + 1 }, (_, b) => best.filter((i) => i < b * F).length));
    });
  });

  test.skipIf(skipped).each([
    [1, 1, 1, 1],
    [5, 3, 7, 2],
    [4, 6, 11, 9],
  ])("%i rows of %i in %i features, %i a row: gradients are finite differences", async (B, D, F, k) => {
    await expectGradients(device, [...given(B, D, F), [seededNormal(4, F * D), [F, D]]], (x, encoder, bias, decoder) => decodeSparse(encodeBatchTopK(x, encoder, bias, { k }), decoder), { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      expect(() => encodeBatchTopK(device.zeros([8, 4]), device.zeros([16, 4]), device.zeros([16]), { k: 17 })).toThrow("encodeBatchTopK: expected k 1 to 16, got 17");
    });
  });
});
