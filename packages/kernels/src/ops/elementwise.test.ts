import { add, div, mul, sub, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, runOn, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const size = (shape: number[]) => shape.reduce((x, y) => x * y, 1);

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
    [[5, 3], [5, 1]],
    [[5, 3], [1]],
    [[2, 3, 5], [2, 3, 1]],
    [[131, 67], [131, 1]],
    [[3, 8193], [3, 1]],
    [[0, 3], [0, 1]],
    [[8193], [1]],
  ])("f32[%s] with f32[%s]: add, sub, mul exactly, div to the last place but one", async (a, b) => {
    const given = [[seededNormal(1, size(a)), a], [seededNormal(2, size(b)), b]] as const;
    await expectReference(device!, given, (a, b) => [add(a, b), sub(a, b), mul(a, b)]);
    await expectReference(device!, given, div, { relative: 2.5 * 2 ** -23 }); // WGSL divides within 2.5 ULP
  });

  test.skipIf(skipped)("infinities and NaN go their way", async () => {
    const [sum, product] = await runOn(device!, [[Float32Array.of(Infinity, NaN, Infinity, 0), [4]], [Float32Array.of(-Infinity, 1, 1, 5), [4]]], (a, b) => [add(a, b), mul(a, b)]);
    expect([...sum]).toEqual([NaN, NaN, Infinity, 5]);
    expect([...product]).toEqual([-Infinity, NaN, Infinity, 0]);
  });

  test.skipIf(skipped).each([
    [[5, 3], [5, 3]],
    [[5, 3], [3]],
    [[5, 3], [5, 1]],
    [[5, 3], [1]],
    [[2, 3, 5], [2, 3, 1]],
    [[2, 3, 5], [5]],
    [[7], [7]],
    [[7, 1], [1]],
  ])("gradients of f32[%s] with f32[%s], and of a tensor with itself", async (a, b) => {
    const positive = (seed: number, shape: number[]) => seededNormal(seed, size(shape)).map((v) => 0.5 + Math.abs(v));
    for (const op of [add, sub, mul, div]) {
      await expectGradients(device!, [[seededNormal(1, size(a)), a], [positive(2, b), b]], op, { absolute: 2e-5, relative: 1e-5 });
      await expectGradients(device!, [[positive(2, a), a]], (x: Tensor) => op(x, x), { absolute: 2e-6, relative: 1e-5 });
    }
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => add(device!.zeros([4, 5]), device!.zeros([4]))).toThrow("add: expected b f32[4,5], f32[5], f32[4,1] or f32[1], got f32[4]");
      expect(() => mul(device!.zeros([4]), device!.zeros([4], "u32"))).toThrow("mul: expected b f32[4], got u32[4]");
    });
  });
});
