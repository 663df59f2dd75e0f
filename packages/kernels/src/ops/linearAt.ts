import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { isDense, takeAtInto, type Support } from "./dense.js";
import { goesByFeature, linearAtByFeature } from "./linearAtByFeature.js";
import { eachTile } from "./tiles.js";

const ROWS = 8;

interface Inputs {
  rowStart: Uint32Array;
  index: Uint32Array;
  x: Float32Array;
  weight: Float32Array;
  bias?: Float32Array;
}

const op = defineOp<Inputs, { y: Float32Array }>({
  name: "linearAt",
  outputs: ({ index }) => ({ y: { dtype: "f32", shape: index.shape } }),
  reference({ rowStart, index, x, weight, bias }, { y }) {
    const D = weight.shape[1];
    for (let b = 0; b + 1 < rowStart.data.length; b++)
      for (let e = rowStart.data[b]; e < rowStart.data[b + 1]; e++) {
        const f = index.data[e];
        let sum = bias ? bias.data[f] : 0;
        for (let d = 0; d < D; d++) sum += x.data[b * D + d] * weight.data[f * D + d];
        y.data[e] = sum;
      }
  },
  wasm: ({ rowStart, index, x, weight, bias }, { y }) => ({
    kernel: "linearAt",
    args: [address(rowStart), address(index), address(x), address(weight), bias ? address(bias) : 0, address(y), x.shape[0], x.shape[1], weight.shape[0], index.size],
    tasks: Math.ceil(x.shape[0] / ROWS),
  }),
  // a workgroup a row; 16 threads an entry, which read its weights side by side; the parts of 64 entries are added up at once
  wgsl: ({ rowStart, index, x, weight, bias }, { y }) =>
    rowTiles(x).flatMap((rows) =>
      rowTiles(weight).map(({ binding, first, end }) => ({
        code: `
var<workgroup> parts: array<f32, 1088>; // 64 entries of 16, and one between them for the sake of the banks
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * groups.x + group.x;
  if (row >= p.rows) { return; }
  let last = rowStart[p.row + row + 1u];
  for (var e0 = rowStart[p.row + row]; e0 < last; e0 += 64u) {
    for (var i = lane / 16u; i < min(64u, last - e0); i += 4u) {
      let f = columns[e0 + i];
      var sum = 0.0;
      if (f >= p.first && f < p.end) {
        for (var d = lane % 16u; d < p.D; d += 16u) { sum += x[row * p.D + d] * weight[(f - p.first) * p.D + d]; }
      }
      parts[17u * i + lane % 16u] = sum;
    }
    workgroupBarrier();
    let e = e0 + lane;
    if (e < last) {
      let f = columns[e];
      if (f >= p.first && f < p.end) {
        var sum = 0.0;
        for (var i = 0u; i < 16u; i++) { sum += parts[17u * lane + i]; }
        y[e] = sum${bias ? " + bias[f]" : ""};
      }
    }
    workgroupBarrier();
  }
}`,
        read: { rowStart, columns: index, x: rows.binding, weight: binding, ...(bias && { bias }) },
        write: { y },
        u32: { rows: rows.end - rows.first, row: rows.first, first, end, D: x.shape[1] },
        workgroups: grid(rows.end - rows.first),
      })),
    ),
});

/**
 * `linear` at the places of sparse features only: y[e] = x[b] · weight[index[e]] + bias[index[e]] for the entries of row
 * b. On cpu the same bytes as `linear` has there.
 * @param support sparse [B,F]; its values are not read
 * @param x f32[B,D]
 * @param weight f32[F,D]
 * @param bias f32[F], or none
 * @returns f32[capacity], an entry each; what lies past rowStart[B] is undefined
 */
export function linearAt({ shape, rowStart, index }: Support, x: Tensor, weight: Tensor, bias?: Tensor): Tensor {
  expectShape("linearAt", "rowStart", rowStart, ["u32"], ["B+1"]);
  expectShape("linearAt", "index", index, ["u32"], ["capacity"]);
  expectShape("linearAt", "weight", weight, ["f32"], [shape[1], "D"], `features are [${shape.join(",")}]`);
  expectShape("linearAt", "x", x, ["f32"], [rowStart.size - 1, weight.shape[1]], `features have ${rowStart.size - 1} rows, weight is ${describe(weight)}`);
  if (bias) expectShape("linearAt", "bias", bias, ["f32"], [weight.shape[0]], `weight is ${describe(weight)}`);
  const support = { shape, rowStart, index };
  if (isDense(support)) {
    const y = x.device.empty("f32", index.shape);
    eachTile({ x, encoder: weight, bias }, (tile, at) => takeAtInto(y, tile, support, { at }));
    return y;
  }
  if (goesByFeature(index, weight)) return linearAtByFeature(support, x, weight, bias);
  return op({ rowStart, index, x, weight, bias }, {}).y;
}
