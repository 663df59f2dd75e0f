import { sliceColumns, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, gradientsOf, runOn, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("sliceColumns on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [3, 5, 1, 4],
    [1, 1, 0, 1],
    [0, 5, 1, 4],
    [67, 131, 0, 7],
    [65, 33, 32, 33],
    [4, 6, 0, 6],
    [4, 6, 3, 3],
  ])("of f32[%i,%i] columns %i to %i, exactly", async (N, D, start, end) => {
    await expectReference(device!, [[seededNormal(1, N * D), [N, D]]], (x) => sliceColumns(x, { start, end }));
    await expectReference(device!, [[seededNormal(1, N * D), [N, D]]], gradientsOf((x) => sliceColumns(x, { start, end })));
  });

  test.skipIf(skipped)("written out, and its gradient: zeros outside", async () => {
    const cut = (x: Tensor) => sliceColumns(x, { start: 1, end: 3 });
    expect(await runOn(device!, [[Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [2, 4]]], cut)).toEqual([Float32Array.of(2, 3, 6, 7)]);
    for (const [start, end] of [[1, 3], [0, 2], [2, 4], [0, 4]]) await expectGradients(device!, [[seededNormal(1, 12), [3, 4]]], (x) => sliceColumns(x, { start, end }), { absolute: 1e-6 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => sliceColumns(device!.zeros([2, 4]), { start: 3, end: 5 })).toThrow("sliceColumns: expected 0 <= start <= end <= 4, got 3 to 5 (x is f32[2,4])");
      expect(() => sliceColumns(device!.zeros([4]), { start: 0, end: 1 })).toThrow("sliceColumns: expected x f32[N,D], got f32[4]");
    });
  });
});
