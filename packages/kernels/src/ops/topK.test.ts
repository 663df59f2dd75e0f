import { type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { topKInto } from "./topK.js";

const small = await webgpuDevice({ bindingBytes: 4096 });
const NEGATIVE_NAN = new Float32Array(Uint32Array.of(0xffc00000).buffer)[0];
const room = (B: number, k: number): Input[] => [[new Uint32Array(B + 1), [B + 1]], [new Uint32Array(B * k), [B * k]], [new Float32Array(B * k), [B * k]]];
const select = (k: number, at = 0) => (rowStart: Tensor, index: Tensor, values: Tensor, x: Tensor, mask?: Tensor, names?: Tensor) => {
  topKInto({ rowStart, index, values }, x, { k, at, mask, names });
  return [rowStart, index, values];
};

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("topKInto on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [1, 1, 1],
    [3, 2, 2],
    [7, 5, 1],
    [66, 17, 4],
    [5, 257, 31],
    [5, 259, 259],
    [2, 1025, 100],
    [3, 2500, 7],
    [2, 8195, 300], // past a segment of the WGSL
  ])("f32[%i,%i], the %i largest: with equals, zeros, tiny numbers, infinities and NaN", async (B, F, k) => {
    // few distinct numbers, so that there are equals at every threshold; of the odd ones not too many, or they are all that is taken
    const odd = [0, -0, -1, 1e-45, 1e-38, 3e38, Infinity, -Infinity, NaN, NEGATIVE_NAN];
    const x = seededNormal(B + F, B * F).map((v, i) => ((i * 7) % 29 === 0 ? odd[(i * 3) % 10] : Math.round(v * 20) / 20));
    await expectReference(device, [...room(B, k), [x, [B, F]]], select(k));
    await expectReference(device, [...room(B, k), [seededNormal(F, B * F), [B, F]]], select(k));
  });

  test.skipIf(skipped).each([
    [1, 1, 1, 1],
    [3, 5, 2, 1],
    [9, 67, 40, 3], // 45 of 67 are there
    [9, 67, 50, 3], // fewer than 50
    [2, 1030, 64, 2],
    [1, 5000, 64, 2],
  ])("f32[%i,%i], up to %i where a mask lets them", async (B, F, k, nth) => {
    const mask = Uint32Array.from({ length: F }, (_, f) => (f % nth ? f : 0));
    const names = Uint32Array.from({ length: F }, (_, f) => 3 * f + 1);
    await expectReference(device, [...room(B, k), [seededNormal(F, B * F), [B, F]], [mask, [F]]], select(k));
    await expectReference(device, [...room(B, k), [seededNormal(F, B * F).map((v) => v - 2), [B, F]], [mask, [F]], [names, [F]]], select(k));
  });

  test.skipIf(skipped)("rows go to their place in a larger batch, and the others stay", async () => {
    const [rowStart, index, values] = await runOn(
      device,
      [[new Uint32Array(5).fill(9), [5]], [new Uint32Array(8).fill(9), [8]], [new Float32Array(8).fill(9), [8]], [Float32Array.of(1, 3, 2, -1, -2, 5), [2, 3]]],
      select(2, 1),
    );
    expect([...rowStart]).toEqual([9, 2, 4, 6, 9]);
    expect([...index]).toEqual([9, 9, 1, 2, 0, 2, 9, 9]);
    expect([...values]).toEqual([9, 9, 3, 2, 0, 5, 9, 9]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      const features = { rowStart: device.zeros([4], "u32"), index: device.zeros([15], "u32"), values: device.zeros([15]) };
      expect(() => topKInto(features, device.zeros([3, 4]), { k: 5, at: 0 })).toThrow("topK: expected k <= 4, got 5");
      expect(() => topKInto(features, device.zeros([3, 8]), { k: 5, at: 1 })).toThrow("topKInto: expected rows 1 to 4 inside 3 (rowStart is u32[4])");
      expect(() => topKInto(features, device.zeros([3, 8]), { k: 4, at: 0 })).toThrow("topKInto: expected index u32[12], got u32[15] (3 rows of 4)");
    });
  });
});
