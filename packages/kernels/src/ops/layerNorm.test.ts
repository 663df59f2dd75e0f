import { layerNorm, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, gradientsOf, runOn, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("layerNorm on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 5],
    [1, 1],
    [3, 2],
    [17, 3],
    [2, 64],
    [5, 65],
    [33, 127],
    [3, 1021],
  ])("f32[%i,%i], with a mean and without", async (N, D) => {
    for (const mean of [0, 10]) {
      const x = seededNormal(N + D, N * D).map((v) => v + mean);
      // a normalised value is (x - mean)/deviation: each is off by 2^-24 of |x|, some tens of times over in the sums
      const tolerance = { absolute: D === 1 ? 2e-3 : 4e-6 * (1 + mean), relative: 1e-5 };
      await expectReference(device!, [[x, [N, D]], [seededNormal(2, D), [D]], [seededNormal(3, D), [D]]], (x, w, b) => layerNorm(x, w, b, { epsilon: 1e-5 }), tolerance);
    }
  });

  test.skipIf(skipped)("its gradients: the law, and the backward kernel at odd sizes", async () => {
    const given = (N: number, D: number) => [[seededNormal(N + D, N * D), [N, D]], [seededNormal(2, D), [D]], [seededNormal(3, D), [D]]] as const;
    const norm = (x: Tensor, w: Tensor, b: Tensor) => layerNorm(x, w, b, { epsilon: 1e-2 });
    for (const [N, D] of [[3, 5], [1, 2], [4, 7]]) await expectGradients(device!, given(N, D), norm, { absolute: 2e-5, relative: 1e-5 });
    for (const [N, D] of [[0, 5], [17, 3], [2, 64], [5, 65], [33, 127], [3, 1021]]) await expectReference(device!, given(N, D), gradientsOf(norm), { absolute: 4e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("a constant row becomes the bias", async () => {
    const [y] = await runOn(device!, [[new Float32Array(10).fill(3), [2, 5]], [new Float32Array(5).fill(7), [5]], [Float32Array.of(1, 2, 3, 4, 5), [5]]], (x, w, b) => layerNorm(x, w, b, { epsilon: 1e-5 }));
    expect(y).toEqual(Float32Array.of(1, 2, 3, 4, 5, 1, 2, 3, 4, 5));
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      const [x, w] = [device!.zeros([4, 512]), device!.zeros([768])];
      expect(() => layerNorm(x, w, w, { epsilon: 1e-5 })).toThrow("layerNorm: expected weight f32[512], got f32[768] (x is f32[4,512])");
    });
  });
});
