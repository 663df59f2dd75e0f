import { defineOp, type Host } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";

const op = defineOp<{ x: Float32Array; weight: Float32Array; bias?: Float32Array }, { y: Float32Array }>({
  name: "linear",
  outputs({ x, weight, bias }) {
    expectShape("linear", "weight", weight, ["f32"], ["N", "K"]);
    const [N, K] = weight.shape as [number, number];
    expectShape("linear", "x", x, ["f32"], ["B", K], `weight is ${describe(weight)}`);
    if (bias) expectShape("linear", "bias", bias, ["f32"], [N], `weight is ${describe(weight)}`);
    return { y: { dtype: "f32", shape: [x.shape[0]!, N] } };
  },
  reference({ x, weight, bias }, { y }) {
    const [M, K] = x.shape as [number, number];
    const N = weight.shape[0]!;
    const start = (bias as Host | undefined)?.data;
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let sum = start ? start[n]! : 0;
        for (let k = 0; k < K; k++) sum += x.data[m * K + k]! * weight.data[n * K + k]!;
        y.data[m * N + n] = sum;
      }
  },
});

/**
 * x weightᵀ + bias, in PyTorch's layout. On cpu a row's bytes depend on that row alone, not on its batch or the threads.
 * @param x f32[M,K]
 * @param weight f32[N,K]
 * @param bias f32[N], or none
 * @returns f32[M,N]
 * @throws ShapeError `linear: expected x f32[B,512], got f32[4,768] (weight is f32[2048,512])`
 */
export const linear = (x: Tensor, weight: Tensor, bias?: Tensor): Tensor => op(bias ? { x, weight, bias } : { x, weight }, {}).y;
