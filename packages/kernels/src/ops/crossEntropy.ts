import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";

const op = defineOp<{ logits: Float32Array; targets: Uint32Array }, { y: Float32Array }>({
  name: "crossEntropy",
  outputs({ logits, targets }) {
    expectShape("crossEntropy", "logits", logits, ["f32"], ["N", "V"]);
    expectShape("crossEntropy", "targets", targets, ["u32"], [logits.shape[0]], `logits is ${describe(logits)}`);
    return { y: { dtype: "f32", shape: targets.shape } };
  },
  reference({ logits, targets }, { y }) {
    const [N, V] = logits.shape as [number, number];
    for (let n = 0; n < N; n++) {
      const row = logits.data.subarray(n * V, (n + 1) * V);
      const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = row.reduce((a, b) => a + Math.exp(b - max), 0);
      y.data[n] = targets.data[n] < V ? Math.log(sum) + (max - row[targets.data[n]]) : NaN;
    }
  },
});

/**
 * How surprising the target is under softmax(logits): -log softmax(logits)[target], in nats; stable for any logits.
 * @param logits f32[N,V]
 * @param targets u32[N]; one past V gives NaN
 * @returns f32[N]
 */
export const crossEntropy = (logits: Tensor, targets: Tensor): Tensor => op({ logits, targets }, {}).y;
