import { adamInto, defineOp, gelu, type Device, type Tensor } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { devices, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each((await devices()).filter(({ device }) => device?.kind === "cpu"))("$name", ({ device: found }) => {
  const device = found!;

  test("a kernel that the module lacks is an error before any thread hears of it", async () => {
    const lost = defineOp<{ x: Float32Array }, { y: Float32Array }>({
      name: "lost",
      outputs: ({ x }) => ({ y: { dtype: "f32", shape: x.shape } }),
      reference() {},
      wasm: () => ({ kernel: "nowhere", args: [], tasks: 2 }),
    });
    await device.scope(async () => {
      const x = device.zeros([20_000]);
      expect(() => lost({ x }, {})).toThrow("nowhere: expected a kernel of that name in the WebAssembly module, got none");
      expect(await gelu(x).read()).toEqual(new Float32Array(20_000)); // the threads still work
    });
  });

  test("a kernel that traps is an error, not a hang, and the threads work on", async () => {
    const far = 2 ** 32 - 64; // past the end of any memory
    const wild = defineOp<{ x: Float32Array }, { y: Float32Array }>({
      name: "wild",
      outputs: ({ x }) => ({ y: { dtype: "f32", shape: x.shape } }),
      reference() {},
      wasm: () => ({ kernel: "gelu", args: [far, far, 8192 * 8], tasks: 8 }),
    });
    await device.scope(async () => {
      const x = device.zeros([20_000]);
      for (let i = 0; i < 5; i++) {
        expect(() => wild({ x }, {})).toThrow(/out of bounds|trapped/);
        expect(await gelu(x).read()).toEqual(new Float32Array(20_000));
      }
    });
  });
});

test.each([3, 11])("%i threads do every task once, of jobs with few tasks and with many", async (threads) => {
  const [one, many] = [await openDevice({ backend: "cpu", engine: "wasm", threads: 1 }), await openDevice({ backend: "cpu", engine: "wasm", threads })];
  try {
    for (const n of [8192, 2 * 8192, 5 * 8192 + 3, 8 * 8192, 100 * 8192 + 1]) {
      // in place: a task that is done twice moves a parameter twice
      const steps = async (device: Device) => {
        const [parameter, gradient, m, v] = [1, 2, 3, 4].map((seed) => device.tensor(seededNormal(seed, n).map(seed === 4 ? Math.abs : (x) => x), [n])) as [Tensor, Tensor, Tensor, Tensor];
        for (let step = 1; step <= 20; step++) adamInto(parameter, gradient, m, v, { lr: 1e-2, step, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
        return parameter.read();
      };
      const [expected, actual] = [await one.scope(() => steps(one)), await many.scope(() => steps(many))];
      expect(actual.every((x, i) => x === expected[i])).toBe(true);
    }
  } finally {
    one.dispose();
    many.dispose();
  }
});
