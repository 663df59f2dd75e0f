import { linear, linearAt, sliceRows, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededFeatures, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const given = (B: number, F: number, D: number, most: number): Input[] => {
  const [rowStart, index] = seededFeatures(1, B, F, most);
  return [rowStart, index, [seededNormal(3, B * D), [B, D]], [seededNormal(4, F * D), [F, D]], [seededNormal(5, F), [F]]];
};
/** With and without bias, cut to the entries. */
const run = ([[rowStart], , [, [B]], [, [F]]]: Input[]) => (...[start, index, x, weight, bias]: Tensor[]) =>
  [linearAt({ shape: [B, F], rowStart: start, index }, x, weight), linearAt({ shape: [B, F], rowStart: start, index }, x, weight, bias)].map((y) => sliceRows(y.reshape([y.size, 1]), { start: 0, end: rowStart[B] }));
const sizes = [
  [0, 3, 2, 1],
  [1, 1, 1, 1],
  [3, 5, 2, 2],
  [17, 67, 3, 4],
  [13, 40, 64, 19],
  [9, 33, 131, 33],
  [2, 101, 257, 9],
  [60, 12, 33, 9], // several entries a feature: feature by feature on cpu
  [201, 19, 64, 19],
] as const;
const small = await webgpuDevice({ bindingBytes: 4096 });

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("linearAt on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(sizes)("%i rows, %i features, %i columns, up to %i active", async (B, F, D, most) => {
    // D + 1 additions of products below 25
    const inputs = given(B, F, D, most);
    await expectReference(device!, inputs, run(inputs), { absolute: 25 * Math.sqrt(D) * 2 ** -23, relative: 2 ** -22 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      const support = { shape: [8, 4096], rowStart: device!.zeros([9], "u32"), index: device!.zeros([1], "u32") } as const;
      expect(() => linearAt(support, device!.zeros([8, 512]), device!.zeros([512, 4096]))).toThrow("linearAt: expected weight f32[4096,D], got f32[512,4096] (features are [8,4096])");
      expect(() => linearAt(support, device!.zeros([7, 512]), device!.zeros([4096, 512]))).toThrow("linearAt: expected x f32[8,512], got f32[7,512]");
    });
  });
});

describe.each((await devices()).filter(({ device }) => device?.exact))("linearAt on $name", ({ device }) => {
  test.each(sizes)("%i rows, %i features, %i columns, up to %i active: the bytes that linear has there", async (B, F, D, most) => {
    const inputs = given(B, F, D, most);
    const [[rowStart], [index]] = inputs;
    const [plain, biased] = await runOn(device!, inputs.slice(2), (x, weight, bias) => [linear(x, weight), linear(x, weight, bias)]);
    const at = (dense: ArrayLike<number>) => Float32Array.from(Array.from({ length: B }, (_, b) => Array.from(index.slice(rowStart[b], rowStart[b + 1]), (f) => dense[b * F + f])).flat());
    expect(await runOn(device!, inputs, run(inputs))).toEqual([at(plain), at(biased)]);
  });
});
