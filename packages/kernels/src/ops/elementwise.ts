import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const CHUNK = 8192;

/** One of add, sub, mul: `b` has the shape of `a`, or is one row that serves every row of `a`. */
function elementwise(name: "add" | "sub" | "mul", symbol: string, f: (a: number, b: number) => number) {
  const op = defineOp<{ a: Float32Array; b: Float32Array }, { y: Float32Array }>({
    name,
    outputs({ a, b }) {
      expectShape(name, "a", a, ["f32"], [...a.shape]);
      expectShape(name, "b", b, ["f32"], [...b.shape]);
      const same = b.shape.length === a.shape.length && b.shape.every((n, i) => n === a.shape[i]);
      const row = b.shape.length === 1 && b.shape[0] === a.shape.at(-1);
      if (!same && !row) throw new ShapeError(`${name}: expected b ${describe(a)} or f32[${a.shape.at(-1) ?? 1}], got ${describe(b)}`);
      return { y: { dtype: "f32", shape: a.shape } };
    },
    reference({ a, b }, { y }) {
      for (let i = 0; i < a.data.length; i++) y.data[i] = f(a.data[i]!, b.data[i % b.data.length]!);
    },
    wasm: ({ a, b }, { y }) => ({ kernel: name, args: [address(a), address(b), address(y), a.size, b.size], tasks: Math.ceil(a.size / CHUNK) }),
    wgsl: ({ a, b }, { y }) => ({ code: eachElement(`y[index] = a[index] ${symbol} b[index % p.period];`), read: { a, b }, write: { y }, u32: { n: a.size, period: b.size }, workgroups: grid(Math.ceil(a.size / 256)) }),
  });
  return (a: Tensor, b: Tensor): Tensor => op({ a, b }, {}).y;
}

/** a + b. @param a f32 of any shape @param b f32 of the same shape, or f32[D] added to every row @returns f32, the shape of a */
export const add = elementwise("add", "+", (a, b) => a + b);
/** a - b. @param a f32 of any shape @param b f32 of the same shape, or f32[D] taken from every row @returns f32, the shape of a */
export const sub = elementwise("sub", "-", (a, b) => a - b);
/** a * b, element by element. @param a f32 of any shape @param b f32 of the same shape, or f32[D] times every row @returns f32, the shape of a */
export const mul = elementwise("mul", "*", (a, b) => a * b);
