import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

/**
 * erf(x) ≈ x P(x²)/Q(x²) for |x| <= 3.92, beyond which erf is ±1 in f32: absolute error 4e-7.
 * A least-squares fit of our own (weights raised where the error was largest, 200 Chebyshev-spaced points or more).
 */
export const ERF = {
  p: [1.12837902, 0.192763048, 0.0530603449, 0.0038682815, 0.000287477934, 2.03473836e-6],
  q: [1, 0.50416347, 0.115084198, 0.0151722069, 0.00118810307, 3.80705974e-5],
  limit: 3.92,
};
const horner = (c: readonly number[]) => c.reduceRight((rest, a) => (rest ? `(${rest}) * t + ${a.toExponential()}` : a.toExponential()), "");
const wgslErf = `
/** erf(v/√2) */
fn erf(v: f32) -> f32 {
  let z = clamp(v * 0.70710678, -${ERF.limit}, ${ERF.limit});
  let t = z * z;
  return z * (${horner(ERF.p)}) / (${horner(ERF.q)});
}`;

/** erf by its all-positive series, 2/√π e^(-x²) Σ 2ⁿ x^(2n+1)/(2n+1)!!, to double precision. */
function erf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) sum += term *= (2 * x * x) / (2 * n + 1);
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

const CHUNK = 8192;
const op = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "gelu",
  outputs({ x }) {
    expectShape("gelu", "x", x, ["f32"], [...x.shape]);
    return { y: { dtype: "f32", shape: x.shape } };
  },
  reference({ x }, { y }) {
    for (let i = 0; i < x.data.length; i++) y.data[i] = 0.5 * x.data[i]! * (1 + erf(x.data[i]! / Math.SQRT2));
  },
  wasm: ({ x }, { y }) => ({ kernel: "gelu", args: [address(x), address(y), x.size], tasks: Math.ceil(x.size / CHUNK) }),
  wgsl: ({ x }, { y }) => ({ code: wgslErf + eachElement("y[index] = 0.5 * x[index] * (1.0 + erf(x[index]));"), read: { x }, write: { y }, u32: { n: x.size }, workgroups: grid(Math.ceil(x.size / 256)) }),
  saves: ["x"],
  vjp: ({ inputs: { x }, cotangents: { y } }) => ({ x: backward({ x, y }, {}).dx }),
});

const backward = defineOp<{ x: Float32Array; y: Float32Array }, { dx: Float32Array }>({
  name: "geluBackward",
  outputs: ({ x }) => ({ dx: { dtype: "f32", shape: x.shape } }),
  reference({ x, y }, { dx }) {
    for (let i = 0; i < x.data.length; i++) {
      const v = x.data[i]!;
      dx.data[i] = y.data[i]! * (0.5 * (1 + erf(v / Math.SQRT2)) + (v * Math.exp(-0.5 * v * v)) / Math.sqrt(2 * Math.PI));
    }
  },
  wasm: ({ x, y }, { dx }) => ({ kernel: "geluBackward", args: [address(x), address(y), address(dx), x.size], tasks: Math.ceil(x.size / CHUNK) }),
  wgsl: ({ x, y }, { dx }) => ({
    code: wgslErf + eachElement("let v = x[index];\n  let held = clamp(v, -14.0, 14.0);\n  dx[index] = y[index] * (0.5 * (1.0 + erf(v)) + held * exp(-0.5 * held * held) * 0.39894228);"),
    read: { x, y },
    write: { dx },
    u32: { n: x.size },
    workgroups: grid(Math.ceil(x.size / 256)),
  }),
});

/**
 * The exact Gaussian error linear unit, x Φ(x) with erf (not the tanh approximation).
 * @param x f32 of any shape
 * @returns f32, the shape of x
 * @see Hendrycks & Gimpel 2016, "Gaussian Error Linear Units", §2
 */
export const gelu = (x: Tensor): Tensor => op({ x }, {}).y;
