import { crossEntropy } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, gradientsOf, runOn, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });
describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("crossEntropy on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 3],
    [1, 1],
    [2, 3],
    [5, 64],
    [70, 16],
    [37, 256],
    [3, 320],
  ])("f32[%i,%i], up to 40 nats", async (N, V) => {
    const logits = seededNormal(N + V, N * V).map((x) => 8 * x);
    const targets = Uint32Array.from({ length: N }, (_, n) => (n * 7919) % V);
    // the differences of logits carry 2^-24 of their size; the sum some 1e-6
    await expectReference(device!, [[logits, [N, V]], [targets, [N]]], crossEntropy, { absolute: 4e-6, relative: 1e-6 });
  });

  test.skipIf(skipped)("its gradient: the law, the backward kernels at odd sizes, NaN for a target past V", async () => {
    const given = (N: number, V: number) => [[seededNormal(N + V, N * V).map((x) => 2 * x), [N, V]], [Uint32Array.from({ length: N }, (_, n) => (n * 7919) % V), [N]]] as const;
    await expectGradients(device!, given(4, 5), crossEntropy, { absolute: 2e-6 });
    for (const [N, V] of [[0, 3], [1, 1], [5, 64], [70, 16], [37, 256], [3, 320]]) await expectReference(device!, given(N, V), gradientsOf(crossEntropy), { absolute: 1e-5 });
    const [slope] = await runOn(device!, [[new Float32Array(4), [2, 2]], [Uint32Array.of(2, 0), [2]]], (logits, targets) => gradientsOf((x) => crossEntropy(x, targets))(logits));
    expect(slope[0]).toBeNaN();
    expect([...slope.subarray(2)]).not.toContain(NaN);
  });

  test.skipIf(skipped)("a vocabulary of 50,257: close to ln V for equal logits", async () => {
    const V = 50_257;
    const [y] = await runOn(device!, [[new Float32Array(2 * V).fill(-3), [2, V]], [Uint32Array.of(0, V - 1), [2]]], crossEntropy);
    for (const nats of y) expect(Math.abs(nats - Math.log(V))).toBeLessThan(1e-5);
  });

  test.skipIf(skipped)("huge logits are stable, a certain target costs nothing, one past V is NaN", async () => {
    const logits = Float32Array.of(1e30, 0, 0, 0, -1e30, 1e4, 1e4, 0, 0, 0, 0, 0);
    const [y] = await runOn(device!, [[logits, [4, 3]], [Uint32Array.of(0, 2, 1, 3), [4]]], crossEntropy);
    expect([...y]).toEqual([0, 0, 1e4, NaN]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => crossEntropy(device!.zeros([4, 5]), device!.zeros([3], "u32"))).toThrow("crossEntropy: expected targets u32[4], got u32[3] (logits is f32[4,5])");
    });
  });
});
