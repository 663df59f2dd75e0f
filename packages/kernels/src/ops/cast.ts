import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const op = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "castF32",
  outputs({ x }) {
    expectShape("castF32", "x", x, ["f16"], [...x.shape]);
    return { y: { dtype: "f32", shape: x.shape } };
  },
  reference({ x }, { y }) {
    y.data.set(x.data);
  },
  wasm: ({ x }, { y }) => ({ kernel: "castF16", args: [address(x), address(y), x.size], tasks: Math.ceil(x.size / 16384) }),
  wgsl: ({ x }, { y }) => ({ code: eachElement("y[index] = unpack2x16float(x[index / 2u])[index % 2u];"), read: { x }, write: { y }, u32: { n: x.size }, workgroups: grid(Math.ceil(x.size / 256)) }),
});

/** Halves widened to f32. @param x f16 of any shape @returns f32, the shape of x */
export const castF32 = (x: Tensor): Tensor => op({ x }, {}).y;
