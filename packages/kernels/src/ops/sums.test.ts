import { expand, mean, meanRows, sum, sumColumns, sumRows, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, runOn, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });
afterAll(() => small.device?.dispose());
describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("sums on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 5],
    [1, 1],
    [5, 0],
    [3, 2],
    [65, 64],
    [7, 67],
    [257, 33],
    [1021, 3],
  ])("columns of f32[%i,%i]", async (N, D) => {
    const x = seededNormal(N + D, N * D);
    // as far as N additions of |x| <= 5 can be off; in practice their square root
    await expectReference(device!, [[x, [N, D]]], sumColumns, { absolute: 5 * N * Math.sqrt(N) * 2 ** -24 });
  });

  test.skipIf(skipped).each([[0], [1], [3], [4095], [4096], [4097], [100_003], [130, 67], [30, 1021], [0, 5], [3, 0]])("sum and mean of f32[%i, ...]", async (...shape) => {
    const n = shape.reduce((a, b) => a * b);
    const x = seededNormal(n, n).map((v) => 1 + v);
    await expectReference(device!, [[x, shape]], (x) => (n ? [sum(x), mean(x)] : sum(x)), { absolute: 2 ** -20, relative: 2e-6 });
  });

  test.skipIf(skipped)("gradients of sums of rows, columns and all", async () => {
    for (const shape of [[3, 5], [1, 1], [7, 1], [1, 7]]) {
      const x = [seededNormal(1, shape[0] * shape[1]), shape] as const;
      for (const op of [sumRows, meanRows, sumColumns, sum, mean]) await expectGradients(device!, [x], op, { absolute: 1e-6 });
    }
    await expectGradients(device!, [[seededNormal(1, 12), [2, 3, 2]]], mean, { absolute: 1e-6 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => sumColumns(device!.zeros([4]))).toThrow("sumColumns: expected x f32[N,D], got f32[4]");
      expect(() => sum(device!.zeros([4], "u32"))).toThrow("sum: expected x f32[4], got u32[4]");
      expect(() => mean(device!.zeros([0, 4]))).toThrow("mean: expected x with elements, got f32[0,4]");
    });
  });
});

describe.each(await devices())("sums on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [[1], [5, 3]],
    [[3], [5, 3]],
    [[5, 1], [5, 3]],
    [[5, 3], [5, 3]],
    [[1], [1]],
    [[4], [0, 4]],
    [[3, 1], [3, 8195]],
    [[8195], [3, 8195]],
  ])("f32[%s] expanded to [%s], and back as a gradient", async (shape, to) => {
    const x = [seededNormal(1, shape.reduce((a, b) => a * b)), shape] as const;
    const op = (x: Tensor) => expand(x, { shape: to });
    await expectReference(device!, [x], op);
    if (to[1] < 10) await expectGradients(device!, [x], op, { absolute: 1e-5 });
  });

  test.skipIf(skipped)("a NaN shows in the sum", async () => {
    const [total, columns] = await runOn(device!, [[Float32Array.of(1, NaN, 3, 4), [2, 2]]], (x) => [sum(x), sumColumns(x)]);
    expect([...total, ...columns]).toEqual([NaN, 4, NaN]);
  });

  test.skipIf(skipped)("what cannot be expanded is named", () => {
    device!.scope(() => {
      expect(() => expand(device!.zeros([4]), { shape: [4, 5] })).toThrow("expand: expected x f32[4,5], f32[5], f32[4,1] or f32[1], got f32[4]");
    });
  });
});
