import { segmentLast, segmentMax, segmentMean } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("segments on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    { N: 0, D: 3, start: [0] },
    { N: 0, D: 3, start: [0, 0, 0] },
    { N: 1, D: 1, start: [0, 1] },
    { N: 7, D: 5, start: [0, 0, 3, 7, 7] },
    { N: 37, D: 513, start: [0, 1, 1, 36, 37] },
    { N: 11, D: 4, start: [2, 5, 9] },
    { N: 11, D: 4, start: [2, 12, 40] },
  ])("mean, max and last of $start over f32[$N,$D]", async ({ N, D, start }) => {
    const x = seededNormal(N + D, N * D);
    const sum = N * 5; // |x| <= 5
    await expectReference(device!, [[x, [N, D]], [Uint32Array.from(start), [start.length]]], segmentMean, { absolute: sum * 2 ** -24 });
    await expectReference(device!, [[x, [N, D]], [Uint32Array.from(start), [start.length]]], (x, s) => [segmentMax(x, s), segmentLast(x, s)]);
  });

  test.skipIf(skipped)("a NaN is the mean and the max of its column, in its segment", async () => {
    const x = Float32Array.from([1, 2, NaN, 4, 5, 6, 7, 8]);
    const [mean, max] = await runOn(device!, [[x, [4, 2]], [Uint32Array.of(0, 3, 4), [3]]], (x, s) => [segmentMean(x, s), segmentMax(x, s)]);
    expect([...mean]).toEqual([NaN, 4, 7, 8]);
    expect([...max]).toEqual([NaN, 6, 7, 8]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => segmentMax(device!.zeros([4, 5]), device!.zeros([0], "u32"))).toThrow("segmentMax: expected start u32[R+1], got u32[0]");
      expect(() => segmentMean(device!.zeros([4]), device!.zeros([2], "u32"))).toThrow("segmentMean: expected x f32[N,D], got f32[4]");
    });
  });
});
