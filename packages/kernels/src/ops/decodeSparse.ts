import { address } from "../cpu/wasmCall.js";
import { defineComposite, defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";
import { denseRows, isDense, type Support } from "./dense.js";
import { add } from "./elementwise.js";
import { matmul } from "./linear.js";
import { linearAt } from "./linearAt.js";
import { overFeatures } from "./overFeatures.js";
import { sumColumns } from "./sums.js";
import { inTiles } from "./tiles.js";

const ROWS = 8;

interface Inputs {
  rowStart: Uint32Array;
  index: Uint32Array;
  values: Float32Array;
  decoder: Float32Array;
  bias?: Float32Array;
}

const byEntries = defineOp<Inputs, { y: Float32Array }, { F: number }>({
  name: "decodeSparse",
  outputs: ({ rowStart, decoder }) => ({ y: { dtype: "f32", shape: [rowStart.size - 1, decoder.shape[1]] } }),
  reference({ rowStart, index, values, decoder, bias }, { y }) {
    const [B, D] = y.shape as [number, number];
    for (let b = 0; b < B; b++)
      for (let d = 0; d < D; d++) {
        let sum = 0;
        for (let e = rowStart.data[b]; e < rowStart.data[b + 1]; e++) sum += values.data[e] * decoder.data[index.data[e] * D + d];
        y.data[b * D + d] = sum + (bias ? bias.data[d] : 0);
      }
  },
  wasm: ({ rowStart, index, values, decoder, bias }, { y }, { F }) => ({
    kernel: "decodeSparse",
    args: [address(rowStart), address(index), address(values), address(decoder), bias ? address(bias) : 0, address(y), y.shape[0], y.shape[1], F],
    tasks: Math.ceil(y.shape[0] / ROWS),
  }),
  // a decoder past the largest binding is bound part by part; indices ascend, so the order stays
  wgsl: ({ rowStart, index, values, decoder, bias }, { y }) =>
    rowTiles(decoder).map(({ binding, first, end }, i, parts) => ({
      code: eachElement(`
  let b = index / p.D;
  var sum = ${i === 0 ? "0.0" : "y[index]"};
  for (var e = rowStart[b]; e < rowStart[b + 1u]; e++) {
    let f = columns[e];
    if (f >= p.first && f < p.end) { sum += values[e] * decoder[(f - p.first) * p.D + index % p.D]; }
  }
  y[index] = sum${bias && i === parts.length - 1 ? " + bias[index % p.D]" : ""};`),
      read: { rowStart, columns: index, values, decoder: binding, ...(bias && i === parts.length - 1 && { bias }) },
      write: { y },
      u32: { n: y.size, D: y.shape[1], first, end },
      workgroups: grid(Math.ceil(y.size / 256)),
    })),
});

const op = defineComposite<Inputs, { y: Float32Array }, { F: number }>({
  name: "decodeSparse",
  forward({ rowStart, index, values, decoder, bias }, { F }) {
    expectShape("decodeSparse", "rowStart", rowStart, ["u32"], ["B+1"]);
    expectShape("decodeSparse", "index", index, ["u32"], ["capacity"]);
    expectShape("decodeSparse", "values", values, ["f32"], index.shape, `index is ${describe(index)}`);
    const support: Support = { shape: [rowStart.size - 1, F], rowStart, index };
    expectShape("decodeSparse", "decoder", decoder, ["f32"], [F, "D"], `features are [${support.shape.join(",")}]`);
    if (bias) expectShape("decodeSparse", "bias", bias, ["f32"], [decoder.shape[1]], `decoder is ${describe(decoder)}`);
    if (!isDense(support)) return byEntries({ rowStart, index, values, decoder, bias }, { F });
    const y = inTiles(values.device, [support.shape[0], decoder.shape[1]], F, (range) => matmul(denseRows(support, values, range), decoder));
    return { y: bias ? add(y, bias) : y };
  },
  saves: ["rowStart", "index", "values", "decoder"],
  vjp({ inputs: { rowStart, index, values, decoder }, cotangents: { y }, params: { F }, needs }) {
    const support: Support = { shape: [y.shape[0], F], rowStart, index };
    return {
      values: needs.values && linearAt(support, y, decoder),
      decoder: needs.decoder && overFeatures(support).rows(values, y),
      bias: needs.bias && sumColumns(y),
    };
  },
});

/**
 * What the active features add up to: y[b] = Σ values[e] decoder[index[e]] over the entries of row b, in index order,
 * plus the bias. Touches the decoder rows of active features only.
 * @param features sparse [B,F]
 * @param decoder f32[F,D]
 * @param bias f32[D], added last
 * @returns f32[B,D]
 * @throws ShapeError `decodeSparse: expected decoder f32[4096,D], got f32[512,4096] (features are [8,4096])`
 */
export function decodeSparse({ shape, rowStart, index, values }: SparseFeatures, decoder: Tensor, bias?: Tensor): Tensor {
  return op({ rowStart, index, values, decoder, bias }, { F: shape[1] }).y;
}
