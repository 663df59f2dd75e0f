import { defineComposite } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { encoderSlopes, expectRoom } from "./encoder.js";
import { gatedAt, gatedSlopes } from "./gatedAt.js";
import { activeEntries } from "./activeEntries.js";
import { overFeatures } from "./overFeatures.js";
import { exp, scale } from "./unary.js";
import { whereActive } from "./whereActive.js";

interface Inputs<T> {
  x: T;
  encoder: T;
  gateBias: T;
  magnitudeBias: T;
  r: T;
}

const encode = defineComposite<Inputs<Float32Array>, { rowStart: Uint32Array; index: Uint32Array; values: Float32Array; gates: Float32Array }>({
  name: "encodeGated",
  forward({ x, encoder, gateBias, magnitudeBias, r }) {
    const { rowStart, index, values: products } = activeEntries({ x, encoder }, { threshold: scale(gateBias, -1) });
    return { rowStart, index, ...gatedAt({ index, products, gateBias, magnitudeBias, scale: exp(r) }) };
  },
  saves: ["x", "encoder", "magnitudeBias", "r", "rowStart", "index", "values"],
  // the gate's own step has no slope: r and the magnitude's bias learn through the values, the gate's bias through the gates
  vjp({ inputs: { x, encoder, magnitudeBias, r }, outputs: { rowStart, index, values }, cotangents, needs }) {
    const slopes = whereActive(values, cotangents.values);
    const { products, logScale } = gatedSlopes({ index, values, magnitudeBias, scale: exp(r), slopes, gateSlopes: cotangents.gates });
    const sums = overFeatures({ shape: [x.shape[0], r.size], rowStart, index });
    const { bias: _, ...shared } = encoderSlopes({ x, encoder }, { rowStart, index }, products, { ...needs, bias: false }, sums);
    return {
      ...shared,
      gateBias: needs.gateBias && sums.totals(cotangents.gates),
      magnitudeBias: needs.magnitudeBias && sums.totals(slopes),
      r: needs.r && sums.totals(logScale),
    };
  },
});

/**
 * Features of a gated dictionary, from the products π = x encoderᵀ: the entries are those whose gate π + gateBias is
 * positive; a feature is relu(eʳ π + magnitudeBias) there, and may be 0.
 * @param x f32[B,D], centred
 * @param encoder f32[F,D]
 * @param gateBias f32[F]
 * @param magnitudeBias f32[F]
 * @param r f32[F]
 * @returns features, and gates: sparse [B,F] with the same entries, the gates' values > 0
 * @throws KernelError UNSUPPORTED when B*F entries do not fit the largest binding
 * @see Rajamanoharan et al. 2024, "Improving dictionary learning with gated sparse autoencoders", §3.2
 */
export function encodeGated(x: Tensor, encoder: Tensor, gateBias: Tensor, magnitudeBias: Tensor, r: Tensor): { features: SparseFeatures; gates: SparseFeatures } {
  expectShape("encodeGated", "x", x, ["f32"], ["B", "D"]);
  expectShape("encodeGated", "encoder", encoder, ["f32"], ["F", x.shape[1]], `x is ${describe(x)}`);
  for (const [name, tensor] of Object.entries({ gateBias, magnitudeBias, r })) expectShape("encodeGated", name, tensor, ["f32"], [encoder.shape[0]], `encoder is ${describe(encoder)}`);
  expectRoom("encodeGated", { x, encoder });
  const { rowStart, index, values, gates } = encode({ x, encoder, gateBias, magnitudeBias, r }, {});
  const shape = [x.shape[0], encoder.shape[0]] as const;
  return { features: new SparseFeatures(shape, rowStart, index, values), gates: new SparseFeatures(shape, rowStart, index, gates) };
}
