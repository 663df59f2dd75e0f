import { trackThresholdInto, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededUniform } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("trackThresholdInto on $name", ({ device, skipped }) => {
  const track = (threshold: Tensor, least: Tensor) => {
    trackThresholdInto(threshold, least, { decay: 0.9 });
    return threshold;
  };

  test.skipIf(skipped).each([1, 63, 64, 65, 1000])("%i rows, some without a feature: the first mean, then a running one", async (N) => {
    const least = seededUniform(1, N).map((u) => (u < 0.2 ? Infinity : u));
    for (const before of [-1, 0, 0.25]) await expectReference(device!, [[Float32Array.of(before), [1]], [least, [N]]], track, { absolute: 1e-6 });
  });

  test.skipIf(skipped)("in numbers", async () => {
    const after = async (before: number, ...least: number[]) => (await runOn(device!, [[Float32Array.of(before), [1]], [Float32Array.from(least), [least.length]]], track))[0][0];
    expect(await after(-1, 1, 2, Infinity)).toBe(1.5);
    expect(await after(0.5, 1, 2, NaN)).toBeCloseTo(0.6, 6);
    expect(await after(-1, Infinity)).toBe(-1);
    expect(await after(0.5, Infinity, Infinity)).toBe(0.5);
    expect(await after(0, 2)).toBeCloseTo(0.2, 6); // 0 is a threshold, not none
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => trackThresholdInto(device!.zeros([2]), device!.zeros([5]), { decay: 0.9 })).toThrow("trackThresholdInto: expected threshold f32[1], got f32[2]");
    });
  });
});
