import { decodeSparse, encodeTopKDead, linear, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const given = (B: number, D: number, F: number, nth: number): Input[] => [[seededNormal(1, B * D), [B, D]], [seededNormal(2, F * D), [F, D]], [seededNormal(3, F), [F]], [Uint32Array.from({ length: F }, (_, f) => ((f + 1) % nth ? 0 : 1)), [F]]];

describe.each(await devices())("encodeTopKDead on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [0, 3, 5, 2, 2],
    [3, 3, 5, 2, 9], // none
    [2, 3, 5, 5, 1], // all
    [17, 4, 67, 8, 3], // 8 of 22
    [17, 4, 67, 30, 3], // 22, fewer than 30
    [40, 9, 150, 3, 2], // on cpu by screening
  ])("%i rows of %i in %i features, up to %i where every %ith is dead", async (B, D, F, k, nth) => {
    await device.scope(async () => {
      const [x, encoder, bias, dead] = given(B, D, F, nth).map(([data, shape]) => device.tensor(data, shape)) as [Tensor, Tensor, Tensor, Tensor];
      const dense = await linear(x, encoder, bias).read();
      const { rowStart, index, values } = await encodeTopKDead(x, encoder, bias, dead, { k }).read();
      const ids = Array.from({ length: F }, (_, f) => f).filter((f) => (f + 1) % nth === 0);
      const K = Math.min(k, ids.length);
      const relu = (b: number, f: number) => Math.max(0, dense[b * F + f]);
      const best = Array.from({ length: B }, (_, b) => [...ids].sort((f, g) => relu(b, g) - relu(b, f) || f - g).slice(0, K).sort((f, g) => f - g));
      expect([...rowStart]).toEqual(Array.from({ length: B + 1 }, (_, b) => b * K));
      expect([...index]).toEqual(best.flat());
      // a matrix product of fewer features may add up in another order where the device is not exact
      best.flatMap((row, b) => row.map((f) => relu(b, f))).forEach((v, i) => expect(Math.abs(values[i] - v)).toBeLessThanOrEqual(device.exact ? 0 : 1e-5));
    });
  });

  test.skipIf(skipped)("gradients are finite differences", async () => {
    await expectGradients(device, [...given(5, 3, 11, 2), [seededNormal(4, 11 * 3), [11, 3]]], (x, encoder, bias, dead, decoder) => decodeSparse(encodeTopKDead(x, encoder, bias, dead, { k: 3 }), decoder), { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      expect(() => encodeTopKDead(device.zeros([8, 4]), device.zeros([16, 4]), device.zeros([16]), device.zeros([4], "u32"), { k: 1 })).toThrow("encodeTopKDead: expected dead u32[16], got u32[4] (encoder is f32[16,4])");
    });
  });
});
