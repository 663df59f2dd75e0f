import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid } from "../webgpu/dispatch.js";
import { mul } from "./elementwise.js";
import { F32_MAX } from "./norms.js";
import { sumColumns } from "./sums.js";
import { shift } from "./unary.js";

const ROWS = 16;

const wgslMeanAndScale = `
  let start = row * p.D;
  var sum = 0.0;
  for (var d = lane; d < p.D; d += 64u) { sum += x[start + d]; }
  let mean = total(lane, sum) / f32(p.D);
  var squares = 0.0;
  for (var d = lane; d < p.D; d += 64u) { let c = x[start + d] - mean; squares += c * c; }
  let scale = inverseSqrt(total(lane, squares) / f32(p.D) + p.epsilon);`;

const op = defineOp<{ x: Float32Array; weight: Float32Array; bias: Float32Array }, { y: Float32Array }, { epsilon: number }>({
  name: "layerNorm",
  outputs({ x, weight, bias }) {
    expectShape("layerNorm", "x", x, ["f32"], ["N", "D"]);
    expectShape("layerNorm", "weight", weight, ["f32"], [x.shape[1]!], `x is ${describe(x)}`);
    expectShape("layerNorm", "bias", bias, ["f32"], [x.shape[1]!], `x is ${describe(x)}`);
    return { y: { dtype: "f32", shape: x.shape } };
  },
  reference({ x, weight, bias }, { y }, { epsilon }) {
    const [N, D] = x.shape as [number, number];
    for (let n = 0; n < N; n++) {
      let mean = 0;
      for (let d = 0; d < D; d++) mean += x.data[n * D + d]! / D;
      let variance = 0;
      for (let d = 0; d < D; d++) variance += (x.data[n * D + d]! - mean) ** 2 / D;
      if (variance > F32_MAX) variance = Infinity; // of numbers past 1e19, as in PyTorch: what is left is the bias
      for (let d = 0; d < D; d++) y.data[n * D + d] = ((x.data[n * D + d]! - mean) / Math.sqrt(variance + epsilon)) * weight.data[d]! + bias.data[d]!;
    }
  },
  wasm: ({ x, weight, bias }, { y }, { epsilon }) => ({
    kernel: "layerNorm",
    args: [address(x), address(weight), address(bias), address(y), x.shape[0]!, x.shape[1]!, f32Bits(epsilon)],
    tasks: Math.ceil(x.shape[0]! / ROWS),
  }),
  wgsl: ({ x, weight, bias }, { y }, { epsilon }) => ({
    code: eachRow(
      `${wgslMeanAndScale}
  for (var d = lane; d < p.D; d += 64u) { y[start + d] = (x[start + d] - mean) * scale * weight[d] + bias[d]; }`,
      acrossLanes("total", "a + b"),
    ),
    read: { x, weight, bias },
    write: { y },
    u32: { rows: x.shape[0]!, D: x.shape[1]! },
    f32: { epsilon },
    workgroups: grid(x.shape[0]!),
  }),
  saves: ["x", "weight"],
  vjp({ inputs: { x, weight }, cotangents: { y }, needs, params }) {
    const standard = () => layerNorm(x, shift(y.device.zeros(weight.shape), 1), y.device.zeros(weight.shape), params);
    return { x: needs.x && backward({ x, weight, y }, params).dx, weight: needs.weight && sumColumns(mul(y, standard())), bias: needs.bias && sumColumns(y) };
  },
});

/** With c = (x - mean) s, s = 1 / sqrt(variance + epsilon), g = weight dy: dx = s (g - mean(g) - c mean(g c)). */
const backward = defineOp<{ x: Float32Array; weight: Float32Array; y: Float32Array }, { dx: Float32Array }, { epsilon: number }>({
  name: "layerNormBackward",
  outputs: ({ x }) => ({ dx: { dtype: "f32", shape: x.shape } }),
  reference({ x, weight, y }, { dx }, { epsilon }) {
    const [N, D] = x.shape as [number, number];
    const mean = (f: (d: number) => number) => Array.from({ length: D }, (_, d) => f(d)).reduce((sum, v) => sum + v / D, 0);
    for (let n = 0; n < N; n++) {
      const middle = mean((d) => x.data[n * D + d]!);
      const scale = 1 / Math.sqrt(mean((d) => (x.data[n * D + d]! - middle) ** 2) + epsilon);
      const c = (d: number) => (x.data[n * D + d]! - middle) * scale;
      const g = (d: number) => weight.data[d]! * y.data[n * D + d]!;
      const [ofG, ofBoth] = [mean(g), mean((d) => g(d) * c(d))];
      for (let d = 0; d < D; d++) dx.data[n * D + d] = scale * (g(d) - ofG - c(d) * ofBoth);
    }
  },
  wasm: ({ x, weight, y }, { dx }, { epsilon }) => ({
    kernel: "layerNormBackward",
    args: [address(x), address(weight), address(y), address(dx), x.shape[0]!, x.shape[1]!, f32Bits(epsilon)],
    tasks: Math.ceil(x.shape[0]! / ROWS),
  }),
  wgsl: ({ x, weight, y }, { dx }, { epsilon }) => ({
    code: eachRow(
      `${wgslMeanAndScale}
  var ofG = 0.0;
  var ofBoth = 0.0;
  for (var d = lane; d < p.D; d += 64u) {
    let g = weight[d] * y[start + d];
    ofG += g;
    ofBoth += g * (x[start + d] - mean) * scale;
  }
  ofG = total(lane, ofG) / f32(p.D);
  ofBoth = total(lane, ofBoth) / f32(p.D);
  for (var d = lane; d < p.D; d += 64u) { dx[start + d] = scale * (weight[d] * y[start + d] - ofG - (x[start + d] - mean) * scale * ofBoth); }`,
      acrossLanes("total", "a + b"),
    ),
    read: { x, weight, y },
    write: { dx },
    u32: { rows: x.shape[0]!, D: x.shape[1]! },
    f32: { epsilon },
    workgroups: grid(x.shape[0]!),
  }),
});

/**
 * Layer normalisation of each row: (x - mean) / sqrt(variance + epsilon) * weight + bias, population variance.
 * @param x f32[N,D]
 * @param weight f32[D]
 * @param bias f32[D]
 * @returns f32[N,D]
 * @see Ba et al. 2016, "Layer Normalization", eq. 4
 */
export const layerNorm = (x: Tensor, weight: Tensor, bias: Tensor, options: { epsilon: number }): Tensor => op({ x, weight, bias }, options).y;
