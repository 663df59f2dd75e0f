import { address, type WasmCall } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { KernelError, ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type DType, type Tensor } from "../tensor.js";
import { bytes, eachElement, grid, type Dispatch } from "../webgpu/dispatch.js";
import { rowTiles } from "../webgpu/tiles.js";

const words: readonly DType[] = ["f32", "u32", "i32"];

const TASK_BYTES = 2 ** 16;

/** `rows` rows of `from`, the first at `start`, to `to`, the first at `at`: one stretch of memory. */
const copyWords = (from: Tensor, start: number, to: Tensor, at: number, rows: number): WasmCall => {
  const width = bytes(from) / Math.max(1, from.shape[0]);
  return { kernel: "copyWords", args: [address(to) + at * width, address(from) + start * width, rows * width], tasks: Math.ceil((rows * width) / TASK_BYTES) };
};

/** The same in passes over the parts of either tensor that fit a binding; as words, so that every bit arrives. */
function copyParts(from: Tensor, start: number, to: Tensor, at: number, rows: number): Dispatch[] {
  const D = from.shape[1];
  return rowTiles(from).flatMap((source) =>
    rowTiles(to).flatMap((target) => {
      const first = Math.max(start, source.first, target.first - at + start);
      const end = Math.min(start + rows, source.end, target.end - at + start);
      const n = Math.max(0, end - first) * D;
      return {
        code: eachElement("y[p.at + index] = x[p.start + index];"),
        read: { x: { ...source.binding, as: "u32" } },
        write: { y: { ...target.binding, as: "u32" } },
        u32: { n, start: (first - source.first) * D, at: (first - start + at - target.first) * D },
        workgroups: grid(Math.ceil(n / 256)),
      };
    }),
  );
}

const copyInto = defineOp<{ target: Float32Array; source: Float32Array }, object, { at: number }>({
  name: "copyRowsInto",
  writes: ["target"],
  outputs({ target, source }, { at }) {
    expectShape("copyRowsInto", "target", target, words, ["M", "D"]);
    expectShape("copyRowsInto", "source", source, [target.dtype], ["N", target.shape[1]], `target is ${describe(target)}`);
    if (!(at >= 0 && at + source.shape[0] <= target.shape[0])) throw new ShapeError(`copyRowsInto: expected rows ${at} to ${at + source.shape[0]} inside target ${describe(target)}`);
    if (target.storage === source.storage) throw new KernelError("USAGE", "copyRowsInto: expected source and target apart, got one memory for both", "copy through sliceRows");
    return {};
  },
  reference({ target, source }, _, { at }) {
    for (let i = 0; i < source.data.length; i++) target.data[at * target.shape[1] + i] = source.data[i];
  },
  wasm: ({ target, source }, _, { at }) => copyWords(source, 0, target, at, source.shape[0]),
  wgsl: ({ target, source }, _, { at }) => copyParts(source, 0, target, at, source.shape[0]),
});

const slice = defineOp<{ x: Float32Array }, { y: Float32Array }, { start: number; end: number }>({
  name: "sliceRows",
  outputs({ x }, { start, end }) {
    expectShape("sliceRows", "x", x, words, ["N", "D"]);
    if (!(0 <= start && start <= end && end <= x.shape[0])) throw new ShapeError(`sliceRows: expected 0 <= start <= end <= ${x.shape[0]}, got ${start} to ${end} (x is ${describe(x)})`);
    return { y: { dtype: x.dtype, shape: [end - start, x.shape[1]] } };
  },
  reference({ x }, { y }, { start }) {
    for (let i = 0; i < y.data.length; i++) y.data[i] = x.data[start * x.shape[1] + i];
  },
  wasm: ({ x }, { y }, { start }) => copyWords(x, start, y, 0, y.shape[0]),
  wgsl: ({ x }, { y }, { start }) => copyParts(x, start, y, 0, y.shape[0]),
  saves: [],
  vjp({ inputs: { x }, cotangents: { y }, params: { start } }) {
    const whole = y.device.zeros(x.shape);
    copyRowsInto(whole, y, { at: start });
    return { x: whole };
  },
});

/**
 * Overwrites rows at to at+N of `target` with those of `source`; the rest stays.
 * @param target f32[M,D] (or u32, i32), changed in place
 * @param source [N,D] of the same dtype, in other memory than the target's
 * @throws ShapeError `copyRowsInto: expected rows 3 to 5 inside target f32[4,512]`
 */
export const copyRowsInto = (target: Tensor, source: Tensor, options: { at: number }): void => void copyInto({ target, source }, options);

/**
 * A copy of rows start to end.
 * @param x f32[N,D] (or u32, i32)
 * @returns [end-start,D] of the same dtype
 * @throws ShapeError `sliceRows: expected 0 <= start <= end <= 4, got 3 to 5 (x is f32[4,512])`
 */
export const sliceRows = (x: Tensor, options: { start: number; end: number }): Tensor => slice({ x }, options).y;
