import { geometricMedian } from "@dictlearn/kernels";
import { devices, expectClose, expectReference, readOracle, runOn, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const oracle = readOracle("gradients/gradients.safetensors");

describe.each(await devices())("geometricMedian on $name", ({ device, skipped }) => {
  const median = async (x: Float32Array, shape: number[], options: { iterations: number; tolerance: number }) => (await runOn(device!, [[x, shape]], (x) => geometricMedian(x, options)))[0];
  const points = oracle["median.points"].data as Float32Array;

  test.skipIf(skipped)("Weiszfeld's iteration as torch computes it: three steps, and the limit", async () => {
    expectClose(await median(points, [40, 5], { iterations: 3, tolerance: 0 }), oracle["median.after_3"].data, { absolute: 1e-5 });
    // steps of 1e-5 that shrink by a constant factor end within a few times 1e-5 of the limit
    expectClose(await median(points, [40, 5], { iterations: 100, tolerance: 1e-5 }), oracle["median.limit"].data, { absolute: 1e-4 });
  });

  test.skipIf(skipped)("stops once a step is shorter than the tolerance", async () => {
    const first = await median(points, [40, 5], { iterations: 1, tolerance: 0 });
    expect(await median(points, [40, 5], { iterations: 50, tolerance: 1e6 })).toEqual(first);
  });

  test.skipIf(skipped)("one row, equal rows, odd sizes", async () => {
    expectClose(await median(Float32Array.of(1, -2, 3), [1, 3], { iterations: 5, tolerance: 1e-5 }), [1, -2, 3], { relative: 1e-6 });
    expectClose(await median(new Float32Array(12).fill(0.7), [4, 3], { iterations: 5, tolerance: 1e-5 }), [0.7, 0.7, 0.7], { relative: 1e-6 });
    for (const [N, D] of [[2, 1], [17, 67], [131, 5]]) await expectReference(device!, [[seededNormal(N, N * D), [N, D]]], (x) => geometricMedian(x, { iterations: 4, tolerance: 0 }), { absolute: 2e-5 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => geometricMedian(device!.zeros([0, 3]), { iterations: 1, tolerance: 0 })).toThrow("geometricMedian: expected x f32[N,D] with N >= 1, got f32[0,3]");
      expect(() => geometricMedian(device!.zeros([3]), { iterations: 1, tolerance: 0 })).toThrow("geometricMedian: expected x f32[N,D], got f32[3]");
    });
  });
});
