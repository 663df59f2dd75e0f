import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

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
  wasm: ({ logits, targets }, { y }) => ({ kernel: "crossEntropy", args: [address(logits), address(targets), address(y), targets.size, logits.shape[1]], tasks: targets.size }),
  wgsl: ({ logits, targets }, { y }) =>
    rowTiles(logits).map(({ binding, first, end }) => ({
      code: eachRow(
        `
  let start = row * p.V;
  var most = -3.4028234e38;
  for (var i = lane; i < p.V; i += 64u) { most = max(most, logits[start + i]); }
  let top = largest(lane, most);
  var sum = 0.0;
  for (var i = lane; i < p.V; i += 64u) { sum += exp(logits[start + i] - top); }
  let whole = total(lane, sum);
  let wanted = targets[p.first + row];
  if (wanted >= p.V) { y[p.first + row] = bitcast<f32>(p.nan); }
  else { y[p.first + row] = log(whole) + (top - logits[start + wanted]); }`,
        acrossLanes("largest", "max(a, b)") + acrossLanes("total", "a + b"),
      ),
      read: { logits: binding, targets },
      write: { y },
      u32: { rows: end - first, first, V: logits.shape[1], nan: 0x7fc00000 },
      workgroups: grid(end - first),
    })),
});

/**
 * How surprising the target is under softmax(logits): -log softmax(logits)[target], in nats; stable for any logits.
 * @param logits f32[N,V]
 * @param targets u32[N]; one past V gives NaN
 * @returns f32[N]
 */
export const crossEntropy = (logits: Tensor, targets: Tensor): Tensor => op({ logits, targets }, {}).y;
