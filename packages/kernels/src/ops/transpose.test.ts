import { transpose } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });
afterAll(() => small.device?.dispose());
describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("transpose on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 3],
    [1, 1],
    [1, 5],
    [3, 2],
    [16, 16],
    [17, 33],
    [64, 37],
    [67, 131],
    [130, 4],
  ])("f32[%i,%i], exactly", async (N, D) => {
    await expectReference(device!, [[seededNormal(N + D, N * D), [N, D]]], transpose);
  });

  test.skipIf(skipped)("its gradient", async () => {
    await expectGradients(device!, [[seededNormal(1, 15), [3, 5]]], transpose, { absolute: 1e-6 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => transpose(device!.zeros([4]))).toThrow("transpose: expected x f32[N,D], got f32[4]");
    });
  });
});
