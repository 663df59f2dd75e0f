import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, sizeOf, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const CHUNK = 8192;

/** How a smaller array serves a larger one: element i of the larger meets element i / inner % period. */
export interface Spread {
  period: number;
  inner: number;
}

/**
 * The broadcasts there are: the same shape, one number [1], one row [D] for every row of [...,D], a column [...,1] for
 * every column.
 * @returns undefined when the shapes are none of these
 */
export function spread(small: readonly number[], large: readonly number[]): Spread | undefined {
  const n = sizeOf(large);
  const last = large.at(-1);
  const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((size, i) => size === b[i]);
  if (small.length === 1 && small[0] === 1) return { period: 1, inner: n };
  if (same(small, large)) return { period: n, inner: 1 };
  if (small.length === 1 && small[0] === last) return { period: small[0], inner: 1 };
  if (large.length > 1 && same(small, [...large.slice(0, -1), 1])) return { period: sizeOf(small), inner: last! };
  return undefined;
}

/** WGSL for the element of the smaller array that serves element `index` of n: no division where none is needed. */
export function spreadAt({ period, inner }: Spread, n: number): string {
  if (period === 1) return "0";
  if (period === n) return "index";
  return inner === 1 ? "index % p.period" : "index / p.inner";
}

/** The broadcasts in words: `f32[4,5], f32[5], f32[4,1] or f32[1]` */
export function spreads(shape: readonly number[]): string {
  const shapes = [shape, shape.slice(-1), [...shape.slice(0, -1), 1], [1]].map((of) => describe({ dtype: "f32", shape: of }));
  const all = [...new Set(shapes)];
  return all.length === 1 ? all[0]! : `${all.slice(0, -1).join(", ")} or ${all.at(-1)}`;
}

const op = defineOp<{ x: Float32Array }, { y: Float32Array }, { shape: readonly number[]; factor: number }>({
  name: "repeat",
  outputs({ x }, { shape }) {
    expectShape("expand", "x", x, ["f32"], [...x.shape]);
    if (!spread(x.shape, shape)) throw new ShapeError(`expand: expected x ${spreads(shape)}, got ${describe(x)}`);
    return { y: { dtype: "f32", shape } };
  },
  reference({ x }, { y }, { shape, factor }) {
    const { period, inner } = spread(x.shape, shape)!;
    for (let i = 0; i < y.data.length; i++) y.data[i] = factor * x.data[Math.floor(i / inner) % period];
  },
  wasm({ x }, { y }, { shape, factor }) {
    const { period, inner } = spread(x.shape, shape)!;
    return { kernel: "repeat", args: [address(x), address(y), y.size, period, inner, f32Bits(factor)], tasks: Math.ceil(y.size / CHUNK) };
  },
  wgsl({ x }, { y }, { shape, factor }) {
    const by = spread(x.shape, shape)!;
    return {
      code: eachElement(`y[index] = p.factor * x[${spreadAt(by, y.size)}];`),
      read: { x },
      write: { y },
      u32: { n: y.size, ...by },
      f32: { factor },
      workgroups: grid(Math.ceil(y.size / 256)),
    };
  },
});

/** factor * x, repeated as a broadcast would: what sums hand back to their inputs. @param x f32 as `spread` allows @returns f32 of the shape */
export const repeat = (x: Tensor, shape: readonly number[], factor = 1): Tensor => op({ x }, { shape, factor }).y;
