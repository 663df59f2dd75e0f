import { address } from "../cpu/wasmCall.js";
import { defineOp } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { describe, type Tensor } from "../tensor.js";
import { eachElement, grid } from "../webgpu/dispatch.js";

// A gated encoder at the entries of its support, π the products x·w, s = e^r a scale a feature:
//   gate g = π + b_g (which is positive there), value f = relu(s π + b_m)

const CHUNK = 8192;

interface Parameters<T> {
  gateBias: T;
  magnitudeBias: T;
  scale: T;
}

const forwardOp = defineOp<{ index: Uint32Array; products: Float32Array } & Parameters<Float32Array>, { values: Float32Array; gates: Float32Array }>({
  name: "gatedAt",
  outputs({ index, products, gateBias, magnitudeBias, scale }) {
    expectShape("gatedAt", "index", index, ["u32"], ["capacity"]);
    expectShape("gatedAt", "products", products, ["f32"], index.shape, `index is ${describe(index)}`);
    expectShape("gatedAt", "gateBias", gateBias, ["f32"], ["F"]);
    expectShape("gatedAt", "magnitudeBias", magnitudeBias, ["f32"], gateBias.shape, `gateBias is ${describe(gateBias)}`);
    expectShape("gatedAt", "scale", scale, ["f32"], gateBias.shape, `gateBias is ${describe(gateBias)}`);
    return { values: { dtype: "f32", shape: products.shape }, gates: { dtype: "f32", shape: products.shape } };
  },
  reference({ index, products, gateBias, magnitudeBias, scale }, { values, gates }) {
    for (let e = 0; e < index.data.length; e++) {
      const f = index.data[e];
      const magnitude = scale.data[f] * products.data[e] + magnitudeBias.data[f];
      values.data[e] = magnitude <= 0 ? 0 : magnitude;
      gates.data[e] = products.data[e] + gateBias.data[f];
    }
  },
  wasm: ({ index, products, gateBias, magnitudeBias, scale }, { values, gates }) => ({
    kernel: "gatedAt",
    args: [address(index), address(products), address(gateBias), address(magnitudeBias), address(scale), address(values), address(gates), index.size, gateBias.size],
    tasks: Math.ceil(index.size / CHUNK),
  }),
  wgsl: ({ index, products, gateBias, magnitudeBias, scale }, { values, gates }) => ({
    code: eachElement(`
  let f = columns[index];
  let magnitude = scales[f] * products[index] + magnitudeBias[f];
  let bits = bitcast<u32>(magnitude); // positive, or NaN of either sign
  values[index] = select(0.0, magnitude, bits - 1u < 0x7fffffffu || bits > 0xff800000u);
  gates[index] = products[index] + gateBias[f];`),
    read: { columns: index, products, gateBias, magnitudeBias, scales: scale },
    write: { values, gates },
    u32: { n: index.size },
    workgroups: grid(Math.ceil(index.size / 256)),
  }),
});

interface SlopeInputs<F, U> {
  index: U;
  values: F;
  magnitudeBias: F;
  scale: F;
  slopes: F;
  gateSlopes: F;
}

const slopesOp = defineOp<SlopeInputs<Float32Array, Uint32Array>, { products: Float32Array; logScale: Float32Array }>({
  name: "gatedSlopes",
  outputs({ index, values, magnitudeBias, scale, slopes, gateSlopes }) {
    for (const [name, tensor] of Object.entries({ values, slopes, gateSlopes })) expectShape("gatedSlopes", name, tensor, ["f32"], index.shape, `index is ${describe(index)}`);
    expectShape("gatedSlopes", "magnitudeBias", magnitudeBias, ["f32"], scale.shape, `scale is ${describe(scale)}`);
    return { products: { dtype: "f32", shape: values.shape }, logScale: { dtype: "f32", shape: values.shape } };
  },
  reference({ index, values, magnitudeBias, scale, slopes, gateSlopes }, out) {
    for (let e = 0; e < index.data.length; e++) {
      const f = index.data[e];
      out.products.data[e] = slopes.data[e] * scale.data[f] + gateSlopes.data[e];
      out.logScale.data[e] = slopes.data[e] * (values.data[e] - magnitudeBias.data[f]);
    }
  },
  wasm: ({ index, values, magnitudeBias, scale, slopes, gateSlopes }, out) => ({
    kernel: "gatedSlopes",
    args: [...[index, values, magnitudeBias, scale, slopes, gateSlopes, out.products, out.logScale].map(address), index.size, scale.size],
    tasks: Math.ceil(index.size / CHUNK),
  }),
  wgsl: ({ index, values, magnitudeBias, scale, slopes, gateSlopes }, out) => ({
    code: eachElement(`
  let f = columns[index];
  products[index] = slopes[index] * scales[f] + gateSlopes[index];
  logScale[index] = slopes[index] * (values[index] - magnitudeBias[f]);`),
    read: { columns: index, values, magnitudeBias, scales: scale, slopes, gateSlopes },
    write: { products: out.products, logScale: out.logScale },
    u32: { n: index.size },
    workgroups: grid(Math.ceil(index.size / 256)),
  }),
});

/** Values and gates at the entries. @param at index u32[capacity], products f32[capacity], the others f32[F] @returns f32[capacity] each */
export const gatedAt = (at: { index: Tensor; products: Tensor } & Parameters<Tensor>): { values: Tensor; gates: Tensor } => forwardOp(at, {});

/**
 * Entry by entry, the slopes of the products π and of r = log s, from those of the gates and those of the values, which are 0
 * where the value is: elsewhere s π is the value less its bias.
 * @returns f32[capacity] each
 */
export const gatedSlopes = (at: SlopeInputs<Tensor, Tensor>): { products: Tensor; logScale: Tensor } => slopesOp(at, {});
