import { adamInto } from "@dictlearn/kernels";
import { devices, expectClose, expectReference, readOracle, runOn, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const oracle = readOracle("gradients/gradients.safetensors");
const of = (name: string): Float32Array => oracle[name].data as Float32Array;
const options = { lr: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

const small = await webgpuDevice({ bindingBytes: 4096 });
afterAll(() => small.device?.dispose());
describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("adamInto on $name", ({ device, skipped }) => {
  test.skipIf(skipped)("follows torch.optim.Adam without momentum, lr by the call, gradients from 1e-9 to 1e3", async () => {
    await device!.scope(async () => {
      const parameter = device!.tensor(of("adam.parameter"), [50]);
      const [m, v] = [device!.zeros([50]), device!.zeros([50])];
      for (let step = 1; step <= 5; step++) {
        const gradient = device!.tensor(of("adam.gradients").subarray(50 * (step - 1), 50 * step), [50]);
        adamInto(parameter, gradient, m, v, { lr: 0.1 / step, beta1: 0, beta2: 0.99, epsilon: 1e-6, step });
        expectClose(await parameter.read(), of(`adam.after_${step}`), { absolute: 1e-6, relative: 1e-6 });
      }
      expectClose(await m.read(), of("adam.m"), { relative: 1e-6 });
      expectClose(await v.read(), of("adam.v"), { relative: 1e-6, absolute: 1e-37 }); // a GPU may flush denormals
    });
  });

  test.skipIf(skipped).each([[0], [1], [3], [257], [8195], [5, 7], [130, 67], [2, 1024], []])("agrees with the reference in parameter, m and v, f32[%s, ...]", async (...shape) => {
    const n = shape.reduce((a, b) => a * b, 1);
    const given: Input[] = [1, 2, 3, 4].map((seed) => [seededNormal(seed, n).map((x) => (seed === 4 ? x * x + 0.01 : x)), shape]);
    await expectReference(device!, given, (p, g, m, v) => (adamInto(p, g, m, v, { ...options, step: 3 }), [p, m, v]), { absolute: 3e-7, relative: 2e-6 });
  });

  test.skipIf(skipped)("where the gradient has always been 0 nothing moves; a NaN shows", async () => {
    const at = (...values: number[]): Input => [Float32Array.from(values), [2]];
    const [p] = await runOn(device!, [at(1, 2), at(0, NaN), at(0, 0), at(0, 0)], (p, g, m, v) => (adamInto(p, g, m, v, { ...options, step: 1 }), p));
    expect([...p]).toEqual([1, NaN]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      const x = device!.zeros([4]);
      expect(() => adamInto(x, device!.zeros([5]), device!.zeros([4]), device!.zeros([4]), { ...options, step: 1 })).toThrow("adamInto: expected gradient f32[4], got f32[5] (parameter is f32[4])");
      expect(() => adamInto(x, device!.zeros([4]), device!.zeros([4]), device!.zeros([4]), { ...options, step: 0 })).toThrow("adamInto: expected step 1, 2, ..., got 0");
    });
  });
});
