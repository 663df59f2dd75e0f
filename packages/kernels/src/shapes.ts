import { ShapeError } from "./error.js";
import { describe, type DType, type Tensor } from "./tensor.js";

/**
 * Checks one input of an op: dtype, rank, and every dimension given as a number (a letter stands for any).
 * `expectShape("linear", "x", x, ["f32"], ["B", 512], "weight is f32[2048,512]")`
 * @throws ShapeError `linear: expected x f32[B,512], got f32[4,768] (weight is f32[2048,512])`
 */
export function expectShape(op: string, name: string, tensor: Tensor, dtypes: readonly DType[], shape: readonly (number | string)[], because = ""): void {
  const fits = dtypes.includes(tensor.dtype) && tensor.shape.length === shape.length && shape.every((n, i) => typeof n === "string" || n === tensor.shape[i]);
  if (!fits) throw new ShapeError(`${op}: expected ${name} ${dtypes.map((dtype) => describe({ dtype, shape })).join(" or ")}, got ${describe(tensor)}${because && ` (${because})`}`);
}
