import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const CHUNK = 8192;

const op = defineOp<{ x: Float32Array; slopes: Float32Array }, { y: Float32Array }>({
  name: "whereActive",
  outputs({ x, slopes }) {
    expectShape("whereActive", "x", x, ["f32"], [...x.shape]);
    expectShape("whereActive", "slopes", slopes, ["f32"], x.shape, `x is ${describe(x)}`);
    return { y: { dtype: "f32", shape: x.shape } };
  },
  reference({ x, slopes }, { y }) {
    for (let i = 0; i < x.data.length; i++) y.data[i] = x.data[i] <= 0 ? 0 : slopes.data[i];
  },
  wasm: ({ x, slopes }, { y }) => ({ kernel: "whereActive", args: [address(x), address(slopes), address(y), x.size], tasks: Math.ceil(x.size / CHUNK) }),
  wgsl: ({ x, slopes }, { y }) => ({
    code: eachElement(`
  let v = x[index]; // positive, or NaN of either sign
  y[index] = select(0u, slopes[index], v - 1u < 0x7fffffffu || v > 0xff800000u);`),
    read: { x: { tensor: x, as: "u32" }, slopes: { tensor: slopes, as: "u32" } },
    write: { y: { tensor: y, as: "u32" } },
    u32: { n: x.size },
    workgroups: grid(Math.ceil(x.size / 256)),
  }),
});

/**
 * The slope of relu: `slopes` where x > 0 (or NaN), 0 elsewhere, selected and not multiplied, so that a slope without bound
 * does no harm where the feature is off.
 * @param x f32 of any shape @param slopes f32, the shape of x @returns f32, the shape of x
 */
export const whereActive = (x: Tensor, slopes: Tensor): Tensor => op({ x, slopes }, {}).y;
