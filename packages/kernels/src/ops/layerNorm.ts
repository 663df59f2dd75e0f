import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid } from "../webgpu/dispatch.js";

const ROWS = 16;
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
      `
  let start = row * p.D;
  var sum = 0.0;
  for (var d = lane; d < p.D; d += 64u) { sum += x[start + d]; }
  let mean = total(lane, sum) / f32(p.D);
  var squares = 0.0;
  for (var d = lane; d < p.D; d += 64u) { let c = x[start + d] - mean; squares += c * c; }
  let scale = inverseSqrt(total(lane, squares) / f32(p.D) + p.epsilon);
  for (var d = lane; d < p.D; d += 64u) { y[start + d] = (x[start + d] - mean) * scale * weight[d] + bias[d]; }`,
      acrossLanes("total", "a + b"),
    ),
    read: { x, weight, bias },
    write: { y },
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
