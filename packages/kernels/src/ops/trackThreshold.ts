import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { Tensor } from "../tensor.js";
import { acrossLanes } from "../webgpu/dispatch.js";

const op = defineOp<{ threshold: Float32Array; least: Float32Array }, object, { decay: number }>({
  name: "trackThresholdInto",
  writes: ["threshold"],
  outputs({ threshold, least }) {
    expectShape("trackThresholdInto", "threshold", threshold, ["f32"], [1]);
    expectShape("trackThresholdInto", "least", least, ["f32"], ["N"]);
    return {};
  },
  reference({ threshold, least }, _, { decay }) {
    const finite = least.data.filter(Number.isFinite);
    if (finite.length === 0) return;
    const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
    threshold.data[0] = threshold.data[0] < 0 ? mean : decay * threshold.data[0] + (1 - decay) * mean;
  },
  wasm: ({ threshold, least }, _, { decay }) => ({ kernel: "trackThresholdInto", args: [address(threshold), address(least), least.size, f32Bits(decay), f32Bits(1 - decay)], tasks: 1 }),
  wgsl: ({ threshold, least }, _, { decay }) => ({
    code: `${acrossLanes("total", "a + b", "vec2f")}
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  var part = vec2f(); // the sum of what is finite, and how many that are
  for (var i = lane; i < p.n; i += 64u) {
    if ((least[i] & 0x7fffffffu) < 0x7f800000u) { part += vec2f(bitcast<f32>(least[i]), 1.0); }
  }
  let all = total(lane, part);
  if (lane == 0u && all.y > 0.0) {
    let mean = all.x / all.y;
    threshold[0] = select(p.decay * threshold[0] + p.rest * mean, mean, threshold[0] < 0.0);
  }
}`,
    read: { least: { tensor: least, as: "u32" } },
    write: { threshold },
    u32: { n: least.size },
    f32: { decay, rest: 1 - decay },
    workgroups: [1],
  }),
});

/**
 * A running mean of the smallest features of batches, above which features count as on outside training: the first mean as it
 * is while the threshold is negative, then threshold = decay threshold + (1 - decay) mean.
 * @param threshold f32[1], changed in place; negative before the first
 * @param least f32[N], as `minPositive` gives it: those that are not finite count for nothing, and if none is, nothing changes
 * @see Bussmann et al. 2024, "BatchTopK sparse autoencoders", §3
 */
export const trackThresholdInto = (threshold: Tensor, least: Tensor, options: { decay: number }): void => void op({ threshold, least }, options);
