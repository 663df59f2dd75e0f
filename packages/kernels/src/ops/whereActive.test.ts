import { whereActive } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("whereActive on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([[0], [1], [7], [8193], [20_001]])("f32[%i], exactly", async (n) => {
    await expectReference(device!, [[seededNormal(1, n), [n]], [seededNormal(2, n), [n]]], whereActive);
  });

  test.skipIf(skipped)("an unbounded slope of what is off is 0, not NaN", async () => {
    const negativeNan = new Float32Array(Uint32Array.of(0xffc00000).buffer)[0];
    const x = Float32Array.of(0, -0, -1, -Infinity, 1e-45, Infinity, NaN, negativeNan);
    const [y] = await runOn(device!, [[x, [8]], [new Float32Array(8).fill(Infinity), [8]]], whereActive);
    expect([...y]).toEqual([0, 0, 0, 0, Infinity, Infinity, Infinity, Infinity]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => whereActive(device!.zeros([4]), device!.zeros([5]))).toThrow("whereActive: expected slopes f32[4], got f32[5] (x is f32[4])");
    });
  });
});
