import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { KernelError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

const PAIRS = 16;
const op = defineOp<{ target: Float32Array; source: Float32Array; pairs: Uint32Array }, object>({
  name: "scatterRowsInto",
  writes: ["target"],
  outputs({ target, source, pairs }) {
    expectShape("scatterRowsInto", "target", target, ["f32", "u32", "i32"], ["M", "D"]);
    expectShape("scatterRowsInto", "source", source, [target.dtype], ["N", target.shape[1]], `target is ${describe(target)}`);
    expectShape("scatterRowsInto", "pairs", pairs, ["u32"], ["n", 2]);
    if ([source.storage, pairs.storage].includes(target.storage)) throw new KernelError("USAGE", "scatterRowsInto: expected the target in memory of its own, got one memory for two inputs", "copy through sliceRows");
    return {};
  },
  reference({ target, source, pairs }) {
    const D = target.shape[1];
    for (let i = 0; i < pairs.data.length; i += 2) {
      const [from, to] = [pairs.data[i], pairs.data[i + 1]];
      if (from < source.shape[0] && to < target.shape[0]) for (let d = 0; d < D; d++) target.data[to * D + d] = source.data[from * D + d];
    }
  },
  wasm: ({ target, source, pairs }) => ({
    kernel: "scatterRows",
    args: [address(target), address(source), address(pairs), pairs.shape[0], target.shape[1] * 4, target.shape[0], source.shape[0]],
    tasks: Math.ceil(pairs.shape[0] / PAIRS),
  }),
  // tables past the largest binding are bound part by part; each pass moves the rows between its two parts, as words, so that every bit arrives
  wgsl: ({ target, source, pairs }) =>
    rowTiles(source).flatMap((x) =>
      rowTiles(target).map((y) => ({
        code: eachElement(`
  let D = p.D;
  let row = pairs[index / D * 2u];
  let place = pairs[index / D * 2u + 1u];
  if (row >= p.xFirst && row < p.xEnd && place >= p.yFirst && place < p.yEnd) {
    y[(place - p.yFirst) * D + index % D] = x[(row - p.xFirst) * D + index % D];
  }`),
        read: { x: { ...x.binding, as: "u32" }, pairs },
        write: { y: { ...y.binding, as: "u32" } },
        u32: { n: pairs.shape[0] * target.shape[1], D: target.shape[1], xFirst: x.first, xEnd: x.end, yFirst: y.first, yEnd: y.end },
        workgroups: grid(Math.ceil((pairs.shape[0] * target.shape[1]) / 256)),
      })),
    ),
});

/**
 * Copies rows from anywhere to anywhere: target[pairs[i,1]] = source[pairs[i,0]]; the rest of the target stays.
 * @param target f32[M,D] (or u32, i32), changed in place
 * @param source [N,D] of the same dtype, in other memory than the target's
 * @param pairs u32[n,2]: a row of the source, and where it goes. No place twice: which of two rows stays is not defined.
 *   A pair that reaches outside either is passed over.
 */
export const scatterRowsInto = (target: Tensor, source: Tensor, pairs: Tensor): void => void op({ target, source, pairs }, {});
