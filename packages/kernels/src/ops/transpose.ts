import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { Tensor } from "../tensor.js";
import { grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

const COLUMNS = 16;

/** A workgroup turns 16×16 in workgroup memory, so that reads and writes both run along rows; a line of 17 avoids bank conflicts. */
const code = `
var<workgroup> tile: array<f32, 272>;
@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u, @builtin(local_invocation_index) lane: u32) {
  let at = group.y * groups.x + group.x;
  let across = (p.columns + 15u) / 16u;
  let n0 = at / across * 16u;
  let d0 = at % across * 16u;
  let fast = lane % 16u;
  let slow = lane / 16u;
  if (n0 + slow < p.rows && d0 + fast < p.columns) { tile[slow * 17u + fast] = x[(n0 + slow) * p.D + p.column + d0 + fast]; }
  workgroupBarrier();
  if (n0 + fast < p.rows && d0 + slow < p.columns) { y[(d0 + slow) * p.N + p.row + n0 + fast] = tile[fast * 17u + slow]; }
}`;

const op = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "transpose",
  outputs({ x }) {
    expectShape("transpose", "x", x, ["f32"], ["N", "D"]);
    return { y: { dtype: "f32", shape: [x.shape[1], x.shape[0]] } };
  },
  reference({ x }, { y }) {
    const [N, D] = x.shape as [number, number];
    for (let n = 0; n < N; n++) for (let d = 0; d < D; d++) y.data[d * N + n] = x.data[n * D + d];
  },
  wasm: ({ x }, { y }) => ({ kernel: "transpose", args: [address(x), address(y), x.shape[0], x.shape[1]], tasks: Math.ceil(x.shape[1] / COLUMNS) }),
  // every part of x that fits a binding with every part of y
  wgsl: ({ x }, { y }) =>
    rowTiles(x).flatMap((from) =>
      rowTiles(y).map((to): Dispatch => {
        const [rows, columns] = [from.end - from.first, to.end - to.first];
        return {
          code,
          read: { x: from.binding },
          write: { y: to.binding },
          u32: { rows, columns, N: x.shape[0], D: x.shape[1], row: from.first, column: to.first },
          workgroups: grid(Math.ceil(rows / 16) * Math.ceil(columns / 16)),
        };
      }),
    ),
  saves: [],
  vjp: ({ cotangents: { y } }) => ({ x: transpose(y) }),
});

/** Rows as columns. @param x f32[N,D] @returns f32[D,N] */
export const transpose = (x: Tensor): Tensor => op({ x }, {}).y;
