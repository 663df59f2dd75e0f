import { byFeature, sumByFeature, sumRowsByFeature, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededFeatures, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const given = (B: number, F: number, D: number, most: number): Input[] => [...seededFeatures(1, B, F, most), [seededNormal(3, B * D), [B, D]]];
const run = (F: number) => (rowStart: Tensor, index: Tensor, values: Tensor, rows: Tensor) => {
  const order = byFeature(rowStart, index, { F });
  return [sumRowsByFeature(order, values, rows), sumByFeature(order, values)];
};
const small = await webgpuDevice({ bindingBytes: 4096 });

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("sums by feature on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [1, 1, 1, 1],
    [3, 5, 2, 2],
    [17, 67, 3, 4],
    [130, 19, 64, 2],
    [33, 5, 131, 5],
    [2, 300, 257, 75],
  ])("%i rows, %i features, %i columns, up to %i active", async (B, F, D, most) => {
    // as many additions of products below 16 as there are rows
    await expectReference(device!, given(B, F, D, most), run(F), { absolute: 32 * Math.sqrt(B) * 2 ** -24, relative: 2 ** -22 });
  });
});

test("one thread and two give the same bytes", async () => {
  const [one, two] = (await devices()).flatMap(({ device }) => (device?.exact ? [device] : []));
  const inputs = given(200, 70, 37, 9);
  expect(await runOn(two, inputs, run(70))).toEqual(await runOn(one, inputs, run(70)));
});
