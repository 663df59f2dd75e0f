import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import type { FeatureOrder } from "./byFeature.js";

const FEATURES = 16;

interface Order {
  start: Uint32Array;
  entry: Uint32Array;
  row: Uint32Array;
}

const rowsOp = defineOp<Order & { coefficients: Float32Array; rows: Float32Array }, { y: Float32Array }>({
  name: "sumRowsByFeature",
  outputs({ start, entry, row, coefficients, rows }) {
    expectShape("sumRowsByFeature", "start", start, ["u32"], ["F+1"]);
    expectShape("sumRowsByFeature", "row", row, ["u32"], entry.shape, `entry is ${describe(entry)}`);
    expectShape("sumRowsByFeature", "coefficients", coefficients, ["f32"], entry.shape, `entry is ${describe(entry)}`);
    expectShape("sumRowsByFeature", "rows", rows, ["f32"], ["B", "D"]);
    return { y: { dtype: "f32", shape: [start.size - 1, rows.shape[1]] } };
  },
  reference({ start, entry, row, coefficients, rows }, { y }) {
    const [F, D] = y.shape as [number, number];
    for (let f = 0; f < F; f++)
      for (let d = 0; d < D; d++) {
        let sum = 0;
        for (let i = start.data[f]; i < start.data[f + 1]; i++) sum += coefficients.data[entry.data[i]] * rows.data[row.data[i] * D + d];
        y.data[f * D + d] = sum;
      }
  },
  wasm: ({ start, entry, row, coefficients, rows }, { y }) => ({
    kernel: "sumRowsByFeature",
    args: [address(start), address(entry), address(row), address(coefficients), address(rows), address(y), y.shape[0], y.shape[1], rows.shape[0], entry.size],
    tasks: Math.ceil(y.shape[0] / FEATURES),
  }),
  // rows ascend within a feature, so those of one binding after those of another keep the order
  wgsl: ({ start, entry, row, coefficients, rows }, { y }) =>
    rowTiles(y).flatMap((to) =>
      rowTiles(rows).map(({ binding, first, end }, i) => {
        const n = (to.end - to.first) * y.shape[1];
        return {
          code: eachElement(`
  let f = p.feature + index / p.D;
  var sum = ${i === 0 ? "0.0" : "y[index]"};
  for (var at = start[f]; at < start[f + 1u]; at++) {
    let b = rowOf[at];
    if (b >= p.first && b < p.end) { sum += coefficients[order[at]] * rows[(b - p.first) * p.D + index % p.D]; }
  }
  y[index] = sum;`),
          read: { start, order: entry, rowOf: row, coefficients, rows: binding },
          write: { y: to.binding },
          u32: { n, feature: to.first, D: y.shape[1], first, end },
          workgroups: grid(Math.ceil(n / 256)),
        };
      }),
    ),
});

const totalOp = defineOp<{ start: Uint32Array; entry: Uint32Array; coefficients: Float32Array }, { y: Float32Array }>({
  name: "sumByFeature",
  outputs({ start, entry, coefficients }) {
    expectShape("sumByFeature", "start", start, ["u32"], ["F+1"]);
    expectShape("sumByFeature", "coefficients", coefficients, ["f32"], entry.shape, `entry is ${describe(entry)}`);
    return { y: { dtype: "f32", shape: [start.size - 1] } };
  },
  reference({ start, entry, coefficients }, { y }) {
    for (let f = 0; f < y.data.length; f++) {
      let sum = 0;
      for (let i = start.data[f]; i < start.data[f + 1]; i++) sum += coefficients.data[entry.data[i]];
      y.data[f] = sum;
    }
  },
  wasm: ({ start, entry, coefficients }, { y }) => ({
    kernel: "sumByFeature",
    args: [address(start), address(entry), address(coefficients), address(y), y.size, entry.size],
    tasks: Math.ceil(y.size / (8 * FEATURES)),
  }),
  wgsl: ({ start, entry, coefficients }, { y }) => ({
    code: eachElement(`
  var sum = 0.0;
  for (var at = start[index]; at < start[index + 1u]; at++) { sum += coefficients[order[at]]; }
  y[index] = sum;`),
    read: { start, order: entry, coefficients },
    write: { y },
    u32: { n: y.size },
    workgroups: grid(Math.ceil(y.size / 256)),
  }),
});

/**
 * The gradient of a weight row a feature: y[f] = Σ coefficients[e] rows[b] over the entries e of feature f, b their rows,
 * in the order of the rows. Features without entries get zeros.
 * @param order of the entries, `byFeature`
 * @param coefficients f32[capacity], an entry each
 * @param rows f32[B,D]
 * @returns f32[F,D]
 */
export const sumRowsByFeature = ({ start, entry, row }: FeatureOrder, coefficients: Tensor, rows: Tensor): Tensor => rowsOp({ start, entry, row, coefficients, rows }, {}).y;

/**
 * The gradient of a number a feature: y[f] = Σ coefficients[e] over the entries e of feature f, in the order of the rows.
 * @param order of the entries, `byFeature`
 * @param coefficients f32[capacity], an entry each
 * @returns f32[F]
 */
export const sumByFeature = ({ start, entry }: FeatureOrder, coefficients: Tensor): Tensor => totalOp({ start, entry, coefficients }, {}).y;
