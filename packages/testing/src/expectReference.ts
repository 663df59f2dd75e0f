import type { Device, HostArray, Tensor } from "@dictlearn/kernels";
import { expectClose } from "./expectClose.js";
import { ReferenceDevice } from "./referenceDevice.js";

export type Input = readonly [data: HostArray, shape: readonly number[]];

/** Uploads the inputs, runs and reads the results; everything is freed again. */
export function runOn(device: Device, inputs: readonly Input[], run: (...inputs: Tensor[]) => Tensor | Tensor[]) {
  return device.scope(async () => {
    const results = [run(...inputs.map(([data, shape]) => device.tensor(data, shape)))].flat();
    return Promise.all(results.map((tensor) => tensor.read()));
  });
}

/** Asserts that ops give on `device` what their references give: within the tolerance, or exactly where there is none. */
export async function expectReference(
  device: Device,
  inputs: readonly Input[],
  run: (...inputs: Tensor[]) => Tensor | Tensor[],
  tolerance: { absolute?: number; relative?: number } = {},
): Promise<void> {
  const expected = await runOn(new ReferenceDevice(), inputs, run);
  const actual = await runOn(device, inputs, run);
  actual.forEach((result, i) => expectClose(result, expected[i], tolerance));
}
