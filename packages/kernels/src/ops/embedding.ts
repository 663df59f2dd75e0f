import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import type { Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

const ROWS = 16;
const op = defineOp<{ weight: Float32Array; ids: Uint32Array }, { y: Float32Array }>({
  name: "embedding",
  outputs({ weight, ids }) {
    expectShape("embedding", "weight", weight, ["f32", "f16"], ["V", "D"]);
    expectShape("embedding", "ids", ids, ["u32"], ["N"]);
    return { y: { dtype: "f32", shape: [ids.shape[0]!, weight.shape[1]!] } };
  },
  reference({ weight, ids }, { y }) {
    const [V, D] = weight.shape as [number, number];
    for (let n = 0; n < ids.data.length; n++) for (let d = 0; d < D; d++) y.data[n * D + d] = ids.data[n]! < V ? weight.data[ids.data[n]! * D + d]! : NaN;
  },
  wasm: ({ weight, ids }, { y }) => ({
    kernel: weight.dtype === "f16" ? "embeddingF16" : "embeddingF32",
    args: [address(weight), address(ids), address(y), ids.size, weight.shape[1]!, weight.shape[0]!],
    tasks: Math.ceil(ids.size / ROWS),
  }),
  // a table past the largest binding is bound part by part; each pass writes the rows whose id lies in its part
  wgsl: ({ weight, ids }, { y }) =>
    rowTiles(weight).map((tile, i) => ({
      code: eachElement(`
  let D = p.D;
  let id = ids[index / D];
  if (id >= p.first && id < p.end) {
    let at = (id - p.first) * D + index % D;
    y[index] = ${weight.dtype === "f16" ? "unpack2x16float(weight[at / 2u])[at % 2u]" : "weight[at]"};
  } else if (p.start == 1u && id >= p.V) { y[index] = bitcast<f32>(0x7fc00000u + p.zero); }`),
      read: { weight: tile.binding, ids },
      write: { y },
      u32: { n: y.size, D: weight.shape[1]!, first: tile.first, end: tile.end, V: weight.shape[0]!, start: i === 0 ? 1 : 0, zero: 0 },
      workgroups: grid(Math.ceil(y.size / 256)),
    })),
});

/**
 * Rows of a table: y[n] = weight[ids[n]]. Also gathers rows of activations.
 * @param weight f32[V,D] or f16[V,D]
 * @param ids u32[N]; one past the table gives a row of NaN
 * @returns f32[N,D]
 */
export const embedding = (weight: Tensor, ids: Tensor): Tensor => op({ weight, ids }, {}).y;
