import { softmax } from "@dictlearn/kernels";
import { devices, expectClose, expectGradients, expectReference, gradientsOf, runOn, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });
afterAll(() => small.device?.dispose());
describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("softmax on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 3],
    [1, 1],
    [2, 3],
    [5, 64],
    [70, 17],
    [37, 259],
  ])("f32[%i,%i], and rows add up to 1", async (N, V) => {
    const x = [seededNormal(N + V, N * V).map((v) => 5 * v), [N, V]] as const;
    // the differences of x, up to 50, carry 2^-24 of their size
    await expectReference(device!, [x], softmax, { relative: 1e-5, absolute: 1e-37 });
    await expectReference(device!, [x], gradientsOf(softmax), { absolute: 2e-5 });
    const [y] = (await runOn(device!, [x], softmax)) as [Float32Array];
    for (let n = 0; n < N; n++) expectClose([y.subarray(n * V, (n + 1) * V).reduce((a, b) => a + b, 0)], [1], { absolute: 1e-5 });
  });

  test.skipIf(skipped)("huge numbers are stable", async () => {
    const [y] = await runOn(device!, [[Float32Array.of(1e30, 0, -1e30, 5, 5, 5), [2, 3]]], softmax);
    expectClose(y, [1, 0, 0, 1 / 3, 1 / 3, 1 / 3], { absolute: 1e-7 });
  });

  test.skipIf(skipped)("its gradient", async () => {
    await expectGradients(device!, [[seededNormal(1, 15).map((v) => 2 * v), [3, 5]]], softmax, { absolute: 2e-6 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => expect(() => softmax(device!.zeros([4]))).toThrow("softmax: expected x f32[N,V], got f32[4]"));
  });
});
