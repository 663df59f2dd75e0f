import { address, f32Bits } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

const CHUNK = 8192;

/** A function of one number, and how the slope g of the loss in its value becomes that in the number. The same in numbers and in WGSL. */
interface Scalar {
  value(v: number, p: Scalars): number;
  /** What `slope` calls v, and the tape keeps: the number (x) or the value (y), which the next op may keep as well. */
  from: "x" | "y";
  slope(v: number, g: number, p: Scalars): number;
  wgsl: { value: string; slope: string; declarations?: string };
}
/** What a function may be given: its own number `a`, and for powers the sign of a negative number's. */
interface Scalars {
  a: number;
  sign: number;
}
const none: Scalars = { a: 0, sign: 0 };

function unary(name: "relu" | "square" | "sqrt" | "abs" | "exp" | "log" | "pow", { value, from, slope, wgsl: { declarations = "", ...wgsl } }: Scalar) {
  const backward = defineOp<{ v: Float32Array; g: Float32Array }, { dx: Float32Array }, Scalars>({
    name: `${name}Backward`,
    outputs: ({ v }) => ({ dx: { dtype: "f32", shape: v.shape } }),
    reference({ v, g }, { dx }, p) {
      for (let i = 0; i < v.data.length; i++) dx.data[i] = slope(v.data[i]!, g.data[i]!, p);
    },
    wasm: ({ v, g }, { dx }, { a, sign }) => ({ kernel: `${name}Backward`, args: [address(v), address(g), address(dx), v.size, f32Bits(a), f32Bits(sign)], tasks: Math.ceil(v.size / CHUNK) }),
    wgsl: ({ v: saved, g: cotangent }, { dx }, { a, sign }) => ({
      code: declarations + eachElement(`let v = saved[index];\n  let g = cotangent[index];\n  dx[index] = ${wgsl.slope};`),
      read: { saved, cotangent },
      write: { dx },
      u32: { n: dx.size },
      f32: { a, sign },
      workgroups: grid(Math.ceil(dx.size / 256)),
    }),
  });
  const op = defineOp<{ x: Float32Array }, { y: Float32Array }, Scalars>({
    name,
    outputs({ x }) {
      expectShape(name, "x", x, ["f32"], [...x.shape]);
      return { y: { dtype: "f32", shape: x.shape } };
    },
    reference({ x }, { y }, p) {
      for (let i = 0; i < x.data.length; i++) y.data[i] = value(x.data[i]!, p);
    },
    wasm: ({ x }, { y }, { a, sign }) => ({ kernel: `${name}Of`, args: [address(x), address(y), x.size, f32Bits(a), f32Bits(sign)], tasks: Math.ceil(x.size / CHUNK) }),
    wgsl: ({ x }, { y }, { a, sign }) => ({
      code: declarations + eachElement(`let v = x[index];\n  y[index] = ${wgsl.value};`),
      read: { x },
      write: { y },
      u32: { n: x.size },
      f32: { a, sign },
      workgroups: grid(Math.ceil(x.size / 256)),
    }),
    saves: [from],
    vjp: ({ inputs, outputs, cotangents, params }) => ({ x: backward({ v: from === "x" ? inputs.x : outputs.y, g: cotangents.y }, params).dx }),
  });
  return (x: Tensor, scalars = none): Tensor => op({ x }, scalars).y;
}

/** max(x, 0); the slope at 0 is 0. @param x f32 of any shape @returns f32, the shape of x */
export const relu: (x: Tensor) => Tensor = unary("relu", {
  value: (v) => (v <= 0 ? 0 : v),
  from: "y",
  slope: (v, g) => (v <= 0 ? 0 : g),
  // on the bits, since WGSL's comparisons may assume that there is no NaN: -0 to -infinity
  wgsl: { value: "select(v, 0.0, bitcast<u32>(v) - 0x80000000u <= 0x7f800000u)", slope: "select(g, 0.0, v <= 0.0)" },
});
/** x². @param x f32 of any shape @returns f32, the shape of x */
export const square: (x: Tensor) => Tensor = unary("square", {
  value: (v) => v * v,
  from: "x",
  slope: (v, g) => 2 * v * g,
  wgsl: { value: "v * v", slope: "2.0 * v * g" },
});
/** √x; the slope at 0 is infinite, but nothing where the loss does not depend on it. @param x f32 >= 0 of any shape @returns f32, the shape of x */
export const sqrt: (x: Tensor) => Tensor = unary("sqrt", {
  value: Math.sqrt,
  from: "y",
  slope: (v, g) => (g === 0 ? 0 : (0.5 * g) / v),
  wgsl: { value: "sqrt(v)", slope: "select(0.5 * g / v, 0.0, g == 0.0)" },
});
/** |x|; the slope at 0 is 0. @param x f32 of any shape @returns f32, the shape of x */
export const abs: (x: Tensor) => Tensor = unary("abs", {
  value: Math.abs,
  from: "x",
  slope: (v, g) => (v === 0 ? 0 : v < 0 ? -g : g),
  wgsl: { value: "abs(v)", slope: "g * sign(v)" },
});
/** eˣ. @param x f32 of any shape @returns f32, the shape of x */
export const exp: (x: Tensor) => Tensor = unary("exp", {
  value: Math.exp,
  from: "y",
  slope: (v, g) => g * v,
  wgsl: { value: "exp(v)", slope: "g * v" },
});
/** ln x. @param x f32 > 0 of any shape @returns f32, the shape of x */
export const log: (x: Tensor) => Tensor = unary("log", {
  value: Math.log,
  from: "x",
  slope: (v, g) => g / v,
  wgsl: { value: "log(v)", slope: "g / v" },
});

const power = unary("pow", {
  value: (v, { a }) => v ** a,
  from: "x",
  slope: (v, g, { a }) => (v === 0 ? 0 : g * a * v ** (a - 1)),
  wgsl: {
    value: "power(v, p.a, p.sign)",
    slope: "select(g * p.a * power(v, p.a - 1.0, -p.sign), 0.0, v == 0.0)",
    declarations: `
fn power(v: f32, a: f32, sign: f32) -> f32 {
  if (a == 0.0) { return 1.0; }
  if (v == 0.0) { return select(1.0 / abs(v), 0.0, a > 0.0); } // WGSL's own is off by as much as it likes there
  let y = pow(abs(v), a);
  return select(y, y * sign, v < 0.0);
}`,
  },
});

/**
 * x^exponent, with 0^0 = 1. The slope at 0 counts as 0 whatever the exponent, also where it is infinite: so features
 * that are off learn nothing from a penalty on their power. (For an exponent of 1 there is `x` itself.)
 * @param x f32 of any shape, >= 0 unless the exponent is an integer (else NaN)
 * @returns f32, the shape of x; relative error some |exponent ln x| 1e-7
 */
export function pow(x: Tensor, exponent: number): Tensor {
  return power(x, { a: exponent, sign: Number.isInteger(exponent) ? (exponent % 2 ? -1 : 1) : NaN });
}

const affineOp = defineOp<{ x: Float32Array }, { y: Float32Array }, { factor: number; addend: number }>({
  name: "affine",
  outputs({ x }, { factor, addend }) {
    expectShape("affine", "x", x, ["f32"], [...x.shape]);
    if (typeof factor !== "number" || typeof addend !== "number") throw new ShapeError(`affine: expected numbers, got ${typeof factor} and ${typeof addend} (x is ${describe(x)})`, "mul and add take tensors");
    return { y: { dtype: "f32", shape: x.shape } };
  },
  reference({ x }, { y }, { factor, addend }) {
    for (let i = 0; i < x.data.length; i++) y.data[i] = factor * x.data[i]! + addend;
  },
  wasm: ({ x }, { y }, { factor, addend }) => ({ kernel: "affineOf", args: [address(x), address(y), x.size, f32Bits(factor), f32Bits(addend)], tasks: Math.ceil(x.size / CHUNK) }),
  wgsl: ({ x }, { y }, { factor, addend }) => ({
    code: eachElement("y[index] = p.factor * x[index] + p.addend;"),
    read: { x },
    write: { y },
    u32: { n: x.size },
    f32: { factor, addend },
    workgroups: grid(Math.ceil(x.size / 256)),
  }),
  saves: [],
  vjp: ({ cotangents: { y }, params: { factor } }) => ({ x: scale(y, factor) }),
});

/** factor * x. @param x f32 of any shape @param factor a number; a tensor goes through `mul` @returns f32, the shape of x */
export const scale = (x: Tensor, factor: number): Tensor => affineOp({ x }, { factor, addend: 0 }).y;
/** x + addend. @param x f32 of any shape @param addend a number; a tensor goes through `add` @returns f32, the shape of x */
export const shift = (x: Tensor, addend: number): Tensor => affineOp({ x }, { factor: 1, addend }).y;
