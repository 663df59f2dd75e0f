import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";
import type { FeatureOrder } from "./byFeature.js";

// JumpReLU at the entries of a support, h its pre-activations and θ[f] a threshold a feature:
//   f = h where h > θ, else 0;  dh = df where h > θ, else 0;  dθ = -θ/ε K((h-θ)/ε) df,  K(u) = 1 where |u| < 1/2, else 0
// The slopes are estimates: Rajamanoharan et al. 2024, "Jumping ahead: improving reconstruction fidelity with JumpReLU
// sparse autoencoders". A NaN is above every threshold.

const CHUNK = 8192;
const near = (distance: number, bandwidth: number): boolean => Math.abs(distance / bandwidth) < 0.5;
const wgslNear = "fn near(distance: f32) -> bool { return abs(distance / p.bandwidth) < 0.5; }";
/** Not h <= θ, so that a NaN passes; on bits, since WGSL's own comparisons may assume that there is no NaN. */
const wgslAbove = "fn above(h: f32, threshold: f32) -> bool { return h > threshold || (bitcast<u32>(h) & 0x7fffffffu) > 0x7f800000u; }";

interface At {
  index: Uint32Array;
  pre: Float32Array;
  threshold: Float32Array;
}
function expectAt(op: string, { index, pre, threshold }: { index: Tensor; pre: Tensor; threshold: Tensor }): void {
  expectShape(op, "index", index, ["u32"], ["capacity"]);
  expectShape(op, "preActivations", pre, ["f32"], index.shape, `index is ${describe(index)}`);
  expectShape(op, "threshold", threshold, ["f32"], ["F"]);
}

const valuesOp = defineOp<At, { values: Float32Array }>({
  name: "jumpAt",
  outputs(inputs) {
    expectAt("jumpAt", inputs);
    return { values: { dtype: "f32", shape: inputs.pre.shape } };
  },
  reference({ index, pre, threshold }, { values }) {
    for (let e = 0; e < index.data.length; e++) values.data[e] = pre.data[e] <= threshold.data[index.data[e]] ? 0 : pre.data[e];
  },
  wasm: ({ index, pre, threshold }, { values }) => ({ kernel: "jumpAt", args: [address(index), address(pre), address(threshold), address(values), index.size, threshold.size], tasks: Math.ceil(index.size / CHUNK) }),
  wgsl: ({ index, pre, threshold }, { values }) => ({
    code: wgslAbove + eachElement("values[index] = select(0.0, pre[index], above(pre[index], threshold[columns[index]]));"),
    read: { columns: index, pre, threshold },
    write: { values },
    u32: { n: index.size },
    workgroups: grid(Math.ceil(index.size / 256)),
  }),
});

const slopesOp = defineOp<At & { slopes: Float32Array }, { pre: Float32Array; threshold: Float32Array }, { bandwidth: number }>({
  name: "jumpSlopes",
  outputs({ slopes, ...at }) {
    expectAt("jumpSlopes", at);
    expectShape("jumpSlopes", "slopes", slopes, ["f32"], at.pre.shape, `preActivations is ${describe(at.pre)}`);
    return { pre: { dtype: "f32", shape: at.pre.shape }, threshold: { dtype: "f32", shape: at.pre.shape } };
  },
  reference({ index, pre, threshold, slopes }, out, { bandwidth }) {
    for (let e = 0; e < index.data.length; e++) {
      const [h, theta] = [pre.data[e], threshold.data[index.data[e]]];
      out.pre.data[e] = h <= theta ? 0 : slopes.data[e];
      out.threshold.data[e] = near(h - theta, bandwidth) ? -(theta / bandwidth) * slopes.data[e] : 0;
    }
  },
  wasm: ({ index, pre, threshold, slopes }, out, { bandwidth }) => ({
    kernel: "jumpSlopes",
    args: [address(index), address(pre), address(threshold), address(slopes), address(out.pre), address(out.threshold), index.size, threshold.size, f32Bits(bandwidth)],
    tasks: Math.ceil(index.size / CHUNK),
  }),
  wgsl: ({ index, pre, threshold, slopes }, out, { bandwidth }) => ({
    code: `${wgslAbove}\n${wgslNear}${eachElement(`
  let t = threshold[columns[index]];
  preSlopes[index] = select(0.0, slopes[index], above(pre[index], t));
  thresholdSlopes[index] = select(0.0, -(t / p.bandwidth) * slopes[index], near(pre[index] - t));`)}`,
    read: { columns: index, pre, threshold, slopes },
    write: { preSlopes: out.pre, thresholdSlopes: out.threshold },
    u32: { n: index.size },
    f32: { bandwidth },
    workgroups: grid(Math.ceil(index.size / 256)),
  }),
});

const countsOp = defineOp<{ start: Uint32Array; entry: Uint32Array; pre: Float32Array; threshold: Float32Array }, { active: Float32Array; near: Float32Array }, { B: number; bandwidth: number }>({
  name: "jumpCounts",
  outputs({ start, entry, pre, threshold }) {
    expectShape("jumpCounts", "start", start, ["u32"], ["F+1"]);
    expectShape("jumpCounts", "preActivations", pre, ["f32"], entry.shape, `entry is ${describe(entry)}`);
    expectShape("jumpCounts", "threshold", threshold, ["f32"], [start.size - 1], `start is ${describe(start)}`);
    return { active: { dtype: "f32", shape: threshold.shape }, near: { dtype: "f32", shape: threshold.shape } };
  },
  reference({ start, entry, pre, threshold }, out, { B, bandwidth }) {
    for (let f = 0; f < threshold.data.length; f++) {
      const theta = threshold.data[f];
      let [on, close] = [0, 0];
      for (let i = start.data[f]; i < start.data[f + 1]; i++) {
        const h = pre.data[entry.data[i]];
        if (h <= theta) continue;
        on++;
        if (near(h - theta, bandwidth)) close++;
      }
      out.active.data[f] = theta < 0 ? B : on;
      out.near.data[f] = close + (near(-theta, bandwidth) ? B - on : 0);
    }
  },
  wasm: ({ start, entry, pre, threshold }, out, { B, bandwidth }) => ({
    kernel: "jumpCounts",
    args: [address(start), address(entry), address(pre), address(threshold), address(out.active), address(out.near), threshold.size, entry.size, B, f32Bits(bandwidth)],
    tasks: Math.ceil(threshold.size / 128),
  }),
  wgsl: ({ start, entry, pre, threshold }, out, { B, bandwidth }) => ({
    code: `${wgslAbove}\n${wgslNear}${eachElement(`
  let t = threshold[index];
  var on = 0u;
  var close = 0u;
  for (var i = start[index]; i < start[index + 1u]; i++) {
    let h = pre[order[i]];
    if (above(h, t)) {
      on++;
      close += u32(near(h - t));
    }
  }
  activeCount[index] = f32(select(on, p.B, t < 0.0));
  nearCount[index] = f32(close + select(0u, p.B - on, near(-t)));`)}`,
    read: { start, order: entry, pre, threshold },
    write: { activeCount: out.active, nearCount: out.near },
    u32: { n: threshold.size, B },
    f32: { bandwidth },
    workgroups: grid(Math.ceil(threshold.size / 256)),
  }),
});

/** The values of JumpReLU at the entries: h where h > θ, else 0. @param index u32[capacity] @param pre f32[capacity] @param threshold f32[F] @returns f32[capacity] */
export const jumpAt = (index: Tensor, pre: Tensor, threshold: Tensor): Tensor => valuesOp({ index, pre, threshold }, {}).values;

/** From the slopes of the values, those of the pre-activations and, entry by entry, of the thresholds. @returns f32[capacity] each */
export const jumpSlopes = (at: { index: Tensor; pre: Tensor; threshold: Tensor; slopes: Tensor }, options: { bandwidth: number }): { pre: Tensor; threshold: Tensor } => slopesOp(at, options);

/**
 * How often f > θ in each feature's column of B, and how often |(f-θ)/ε| < 1/2, for f = h where h > θ, else 0. What is off
 * is alike in a column and counts in closed form: with a negative threshold it is above, and it is near while |θ| < ε/2.
 * @returns f32[F] each
 */
export const jumpCounts = ({ start, entry }: FeatureOrder, pre: Tensor, threshold: Tensor, options: { B: number; bandwidth: number }): { active: Tensor; near: Tensor } => countsOp({ start, entry, pre, threshold }, options);
