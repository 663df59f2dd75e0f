import { add, mul, sub } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("elementwise on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [[0], [0]],
    [[1], [1]],
    [[5, 3], [5, 3]],
    [[5, 3], [3]],
    [[0, 3], [3]],
    [[7, 1], [1]],
    [[2, 3, 5], [5]],
    [[2, 3, 5], [2, 3, 5]],
    [[131, 67], [67]],
    [[3, 8193], [8193]],
    [[8193], [8193]],
  ])("f32[%s] with f32[%s]: add, sub, mul, exactly", async (a, b) => {
    const size = (shape: number[]) => shape.reduce((x, y) => x * y, 1);
    await expectReference(device!, [[seededNormal(1, size(a)), a], [seededNormal(2, size(b)), b]], (a, b) => [add(a, b), sub(a, b), mul(a, b)]);
  });

  test.skipIf(skipped)("infinities and NaN go their way", async () => {
    const [sum, product] = await runOn(device!, [[Float32Array.of(Infinity, NaN, Infinity, 0), [4]], [Float32Array.of(-Infinity, 1, 1, 5), [4]]], (a, b) => [add(a, b), mul(a, b)]);
    expect([...sum]).toEqual([NaN, NaN, Infinity, 5]);
    expect([...product]).toEqual([-Infinity, NaN, Infinity, 0]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => add(device!.zeros([4, 5]), device!.zeros([4]))).toThrow("add: expected b f32[4,5] or f32[5], got f32[4]");
      expect(() => mul(device!.zeros([4]), device!.zeros([4], "u32"))).toThrow("mul: expected b f32[4], got u32[4]");
    });
  });
});
