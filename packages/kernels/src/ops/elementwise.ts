import { address } from "../cpu/wasmCall.js";
import { defineOp, type Differentiable } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";
import { spread, spreadAt, spreads } from "./repeat.js";
import { sumTo } from "./sums.js";

const CHUNK = 8192;

type Inputs = { a: Float32Array; b: Float32Array };
type Outputs = { y: Float32Array };

/** One of add, sub, mul, div: `b` has the shape of `a`, or serves it as `spread` says. */
function elementwise(name: "add" | "sub" | "mul" | "div", symbol: string, f: (a: number, b: number) => number, gradient: Omit<Differentiable<Inputs, Outputs, object>, "name">) {
  const op = defineOp<Inputs, Outputs>({
    name,
    outputs({ a, b }) {
      expectShape(name, "a", a, ["f32"], [...a.shape]);
      expectShape(name, "b", b, ["f32"], [...b.shape]);
      if (!spread(b.shape, a.shape)) throw new ShapeError(`${name}: expected b ${spreads(a.shape)}, got ${describe(b)}`);
      return { y: { dtype: "f32", shape: a.shape } };
    },
    reference({ a, b }, { y }) {
      const { period, inner } = spread(b.shape, a.shape)!;
      for (let i = 0; i < a.data.length; i++) y.data[i] = f(a.data[i]!, b.data[Math.floor(i / inner) % period]!);
    },
    wasm({ a, b }, { y }) {
      const { period, inner } = spread(b.shape, a.shape)!;
      return { kernel: name, args: [address(a), address(b), address(y), a.size, period, inner], tasks: Math.ceil(a.size / CHUNK) };
    },
    wgsl({ a, b }, { y }) {
      const by = spread(b.shape, a.shape)!;
      return {
        code: eachElement(`y[index] = a[index] ${symbol} b[${spreadAt(by, a.size)}];`),
        read: { a, b },
        write: { y },
        u32: { n: a.size, ...by },
        workgroups: grid(Math.ceil(a.size / 256)),
      };
    },
    ...gradient,
  });
  return (a: Tensor, b: Tensor): Tensor => op({ a, b }, {}).y;
}

/** a + b. @param a f32 of any shape @param b f32 of the same shape; or f32[D], a row, f32[...,1], a column, or f32[1] for all @returns f32, the shape of a */
export const add = elementwise("add", "+", (a, b) => a + b, {
  saves: [],
  vjp: ({ inputs: { b }, cotangents: { y }, needs }) => ({ a: needs.a && y, b: needs.b && sumTo(y, b.shape) }),
});
/** a - b. @param a f32 of any shape @param b f32 as for `add` @returns f32, the shape of a */
export const sub = elementwise("sub", "-", (a, b) => a - b, {
  saves: [],
  vjp: ({ inputs: { b }, cotangents: { y }, needs }) => ({ a: needs.a && y, b: needs.b && sumTo(y, b.shape, -1) }),
});
/** a * b, element by element. @param a f32 of any shape @param b f32 as for `add` @returns f32, the shape of a */
export const mul = elementwise("mul", "*", (a, b) => a * b, {
  saves: ["a", "b"],
  vjp: ({ inputs: { a, b }, cotangents: { y }, needs }) => ({ a: needs.a && mul(y, b), b: needs.b && sumTo(mul(y, a), b.shape) }),
});
/** a / b, element by element. @param a f32 of any shape @param b f32 as for `add` @returns f32, the shape of a */
export const div = elementwise("div", "/", (a, b) => a / b, {
  saves: ["b", "y"],
  vjp: ({ inputs: { b }, outputs, cotangents: { y }, needs }) => ({ a: needs.a && div(y, b), b: needs.b && sumTo(div(mul(y, outputs.y), b), b.shape, -1) }),
});
