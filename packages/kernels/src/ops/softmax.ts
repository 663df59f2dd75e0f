import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { Tensor } from "../tensor.js";
import { acrossLanes, eachRow, grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { mul, sub } from "./elementwise.js";
import { sumRows } from "./reduceRows.js";

/** WGSL for the largest element of a row, `top`, and the sum of e^(v - top) over it, `whole`; with the declarations that it needs. */
export const wgslWhole = (x: string): string => `
  let start = row * p.V;
  var most = -3.4028234e38;
  for (var i = lane; i < p.V; i += 64u) { most = max(most, ${x}[start + i]); }
  let top = largest(lane, most);
  var sum = 0.0;
  for (var i = lane; i < p.V; i += 64u) { sum += exp(${x}[start + i] - top); }
  let whole = total(lane, sum);`;
export const wgslAcross = acrossLanes("largest", "max(a, b)") + acrossLanes("total", "a + b");

const op = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "softmax",
  outputs({ x }) {
    expectShape("softmax", "x", x, ["f32"], ["N", "V"]);
    return { y: { dtype: "f32", shape: x.shape } };
  },
  reference({ x }, { y }) {
    const [N, V] = x.shape as [number, number];
    for (let n = 0; n < N; n++) {
      const row = x.data.subarray(n * V, (n + 1) * V);
      const max = row.reduce((a, b) => Math.max(a, b), -Infinity);
      const sum = row.reduce((a, b) => a + Math.exp(b - max), 0);
      for (let v = 0; v < V; v++) y.data[n * V + v] = Math.exp(row[v] - max) / sum;
    }
  },
  wasm: ({ x }, { y }) => ({ kernel: "softmax", args: [address(x), address(y), x.shape[0], x.shape[1]], tasks: x.shape[0] }),
  wgsl({ x }, { y }) {
    const parts = rowTiles(y);
    return rowTiles(x).map(
      ({ binding, first, end }, i): Dispatch => ({
        code: eachRow(
          `${wgslWhole("x")}
  for (var i = lane; i < p.V; i += 64u) { y[start + i] = exp(x[start + i] - top) / whole; }`,
          wgslAcross,
        ),
        read: { x: binding },
        write: { y: parts[i]!.binding },
        u32: { rows: end - first, V: x.shape[1] },
        workgroups: grid(end - first),
      }),
    );
  },
  saves: ["y"],
  vjp({ outputs, cotangents: { y } }) {
    const weighted = mul(y, outputs.y);
    return { x: sub(weighted, mul(outputs.y, sumRows(weighted).reshape([y.shape[0], 1]))) };
  },
});

/** e^x of each row, over their sum; stable for any x. @param x f32[N,V] @returns f32[N,V], rows that add up to 1 */
export const softmax = (x: Tensor): Tensor => op({ x }, {}).y;
