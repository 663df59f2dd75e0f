import { argmax, maxRows, meanRows, sumRows, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });
describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("rows reduced on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 5],
    [1, 1],
    [3, 2],
    [5, 3],
    [65, 64],
    [7, 67],
    [130, 257],
    [2, 1021],
  ])("sum, mean, max and argmax of f32[%i,%i]", async (N, D) => {
    const x = seededNormal(N + D, N * D);
    // as far as D additions of |x| <= 5 can be off; in practice their square root
    await expectReference(device!, [[x, [N, D]]], sumRows, { absolute: 5 * D * Math.sqrt(D) * 2 ** -24 });
    await expectReference(device!, [[x, [N, D]]], meanRows, { absolute: 5 * Math.sqrt(D) * 2 ** -24, relative: 2 ** -23 });
    await expectReference(device!, [[x, [N, D]]], (x) => [maxRows(x), argmax(x)]);
  });

  test.skipIf(skipped)("equals, signed zeros, infinities and NaN", async () => {
    const rows = [
      [1, 3, 3, 2, 3, 1, 0],
      [-0, 0, -0, 0, -1, -2, -3],
      [-5, -5, -5, -5, -5, -5, -4],
      [-Infinity, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity, -Infinity],
      [1, Infinity, 2, Infinity, 3, 4, 5],
      [1, Infinity, 2, NaN, 3, NaN, 5],
      [NaN, 0, 0, 0, 0, 0, 0],
      [-1e-45, -1e-38, -3e38, -2, -3, -4, -5],
    ];
    const x = [Float32Array.from(rows.flat()), [rows.length, 7]] as const;
    expect((await runOn(device!, [x], argmax))[0]).toEqual(Uint32Array.of(1, 0, 6, 0, 1, 3, 0, 0));
    await expectReference(device!, [x], (x: Tensor) => [maxRows(x), argmax(x)]);
  });

  test.skipIf(skipped)("the first of equals, wherever the second lies", async () => {
    const D = 259;
    const x = new Float32Array(64 * D);
    const first = Uint32Array.from({ length: 64 }, (_, n) => (n * 37) % 199);
    first.forEach((at, n) => [at, at + 1 + (n % 5), D - 1].forEach((d) => (x[n * D + d] = 1)));
    expect((await runOn(device!, [[x, [64, D]]], argmax))[0]).toEqual(first);
  });

  test.skipIf(skipped)("a row without columns has a sum, and no largest", async () => {
    expect((await runOn(device!, [[new Float32Array(), [2, 0]]], sumRows))[0]).toEqual(new Float32Array(2));
    device!.scope(() => {
      expect(() => argmax(device!.zeros([2, 0]))).toThrow("argmax: expected x f32[N,D] with D >= 1, got f32[2,0]");
      expect(() => maxRows(device!.zeros([2, 0]))).toThrow("maxRows: expected x f32[N,D] with D >= 1");
      expect(() => meanRows(device!.zeros([2]))).toThrow("meanRows: expected x f32[N,D], got f32[2]");
    });
  });
});
