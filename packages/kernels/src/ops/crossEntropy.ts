import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, eachRow, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { mul } from "./elementwise.js";
import { softmax, wgslAcross, wgslWhole } from "./softmax.js";

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
        `${wgslWhole("logits")}
  let wanted = targets[p.first + row];
  if (wanted >= p.V) { y[p.first + row] = bitcast<f32>(p.nan); }
  else { y[p.first + row] = log(whole) + (top - logits[start + wanted]); }`,
        wgslAcross,
      ),
      read: { logits: binding, targets },
      write: { y },
      u32: { rows: end - first, first, V: logits.shape[1], nan: 0x7fc00000 },
      workgroups: grid(end - first),
    })),
  saves: ["logits", "targets"],
  vjp({ inputs: { logits, targets }, cotangents: { y } }) {
    const slope = softmax(logits);
    takeTarget({ slope, targets }, {});
    return { logits: mul(slope, y.reshape([y.size, 1])) };
  },
});

const takeTarget = defineOp<{ slope: Float32Array; targets: Uint32Array }, object>({
  name: "takeTargetInto",
  writes: ["slope"],
  outputs: () => ({}),
  reference({ slope, targets }) {
    const [N, V] = slope.shape as [number, number];
    for (let n = 0; n < N; n++)
      if (targets.data[n] < V) slope.data[n * V + targets.data[n]] -= 1;
      else if (V > 0) slope.data[n * V] = NaN;
  },
  wasm: ({ slope, targets }) => ({ kernel: "takeTargetInto", args: [address(slope), address(targets), targets.size, slope.shape[1]], tasks: 1 }),
  wgsl: ({ slope, targets }) =>
    rowTiles(slope).map(({ binding, first, end }) => ({
      code: eachElement(`
  let wanted = targets[p.first + index];
  if (wanted < p.V) { slope[index * p.V + wanted] -= 1.0; }
  else { slope[index * p.V] = bitcast<f32>(p.nan); }`),
      read: { targets },
      write: { slope: binding },
      u32: { n: end - first, first, V: slope.shape[1], nan: 0x7fc00000 },
      workgroups: grid(Math.ceil((end - first) / 256)),
    })),
});

/**
 * How surprising the target is under softmax(logits): -log softmax(logits)[target], in nats; stable for any logits.
 * @param logits f32[N,V]
 * @param targets u32[N]; one past V gives NaN
 * @returns f32[N]
 */
export const crossEntropy = (logits: Tensor, targets: Tensor): Tensor => op({ logits, targets }, {}).y;
