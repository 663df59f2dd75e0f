import { describe, SparseFeatures, Tensor, type Rng } from "@dictlearn/kernels";
import { DictionaryError } from "./error.js";
import { type Parameters } from "./training/parameters.js";

/** Width of the activations, number of features. */
export interface Dimensions {
  readonly D: number;
  readonly F: number;
}

/** A dictionary's forward functions. */
export interface DictionaryDefinition<Name extends string> {
  /** Its class: `dict_class` of config.json. Errors begin with it. */
  name: string;
  /** Shapes of the parameters by name, all f32. */
  parameters(dimensions: Dimensions): Readonly<Record<Name, readonly number[]>>;
  /** Ops of kernels, on the parameters and x f32[B,D]. @returns features [B,F], as `encodeTopK` or `encodeRelu` gives them */
  encode(p: Parameters<Name>, x: Tensor): SparseFeatures;
  /** @returns f32[B,D] */
  decode(p: Parameters<Name>, features: SparseFeatures): Tensor;
  /**
   * Where parameters start; those left out start by their shape. Every [F,D] at the same F directions of norm 1, drawn
   * evenly; a vector at 0; any other even from -1/√n to 1/√n, with n the last dimension (as PyTorch's linear layer).
   */
  initial?(at: Dimensions & { rng: Pick<Rng, "uniform" | "normal"> }): { readonly [N in Name]?: Float32Array };
}

/** @throws DictionaryError USAGE for shapes that are none, and for a parameter with the name of the norm factor */
export function shapesOf<Name extends string>({ name, parameters }: DictionaryDefinition<Name>, dimensions: Dimensions): Readonly<Record<Name, readonly number[]>> {
  const shapes = parameters(dimensions);
  for (const [parameter, shape] of Object.entries<readonly number[]>(shapes)) {
    const whole = Array.isArray(shape) && shape.length > 0 && shape.every((n) => Number.isSafeInteger(n) && n > 0);
    if (!whole) throw new DictionaryError("USAGE", `${name}: expected shapes of whole numbers > 0, got ${parameter} ${Array.isArray(shape) ? `[${shape.join(",")}]` : String(shape)}`);
    if (["normFactor", "norm_factor"].includes(parameter)) throw new DictionaryError("USAGE", `${name}: expected no parameter ${parameter}, got one`, "the norm factor of a training run is saved under that name");
  }
  return shapes;
}

/** encode, with what it returns checked. @param x f32[B,D] */
export function encoded<Name extends string>({ name, encode }: DictionaryDefinition<Name>, { F }: Dimensions, p: Parameters<Name>, x: Tensor): SparseFeatures {
  const features = encode(p, x);
  const shape = [x.shape[0], F];
  if (!(features instanceof SparseFeatures) || String(features.shape) !== String(shape))
    throw new DictionaryError("SHAPE", `${name}: expected encode to return sparse features [${shape.join(",")}], got ${inWords(features)}`, "encodeTopK, encodeRelu and their like make them");
  return features;
}

/** decode, with what it returns checked. @returns f32[B,D] */
export function decoded<Name extends string>({ name, decode }: DictionaryDefinition<Name>, { D }: Dimensions, p: Parameters<Name>, features: SparseFeatures): Tensor {
  const xHat = decode(p, features);
  const shape = [features.shape[0], D];
  if (!(xHat instanceof Tensor) || xHat.dtype !== "f32" || String(xHat.shape) !== String(shape)) throw new DictionaryError("SHAPE", `${name}: expected decode to return f32[${shape.join(",")}], got ${inWords(xHat)}`);
  return xHat;
}

/** What an author's function returned. */
export function inWords(value: unknown): string {
  if (value instanceof Tensor) return describe(value);
  return value instanceof SparseFeatures ? `sparse features [${value.shape.join(",")}]` : Object.prototype.toString.call(value).slice(8, -1);
}
