import { defineOp, gelu } from "@dictlearn/kernels";
import { devices } from "@dictlearn/testing";
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
