import { KernelError, ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { WebGpuDevice } from "../webgpu/webgpuDevice.js";
import { decodeSparse } from "./decodeSparse.js";
import { sub } from "./elementwise.js";
import { matmul } from "./linear.js";
import { overFeatures, type FeatureSums } from "./overFeatures.js";
import { scale } from "./unary.js";

// What the sparse encoders share.

/** What goes into a sparse encoder: x f32[B,D], encoder f32[F,D], bias f32[F]. */
export interface EncoderInputs<T> {
  x: T;
  encoder: T;
  bias: T;
}
/** What comes out: sparse features as tensors. */
export interface Entries<F, U> {
  rowStart: U;
  index: U;
  values: F;
}

/** @throws ShapeError `encodeTopK: expected encoder f32[F,512], got f32[512,4096] (x is f32[8,512])` */
export function expectEncoder(op: string, { x, encoder, bias }: EncoderInputs<Tensor>): void {
  expectShape(op, "x", x, ["f32"], ["B", "D"]);
  expectShape(op, "encoder", encoder, ["f32"], ["F", x.shape[1]], `x is ${describe(x)}`);
  expectShape(op, "bias", bias, ["f32"], [encoder.shape[0]], `encoder is ${describe(encoder)}`);
}

/** @throws ShapeError `encodeTopK: expected k 1 to 4096, got 5000` */
export function expectK(op: string, k: number, F: number): void {
  if (!(Number.isInteger(k) && k >= 1 && k <= F)) throw new ShapeError(`${op}: expected k 1 to ${F}, got ${k}`, "take fewer, or use more features");
}

/**
 * @param perRow entries that a row may have; default: every feature
 * @throws KernelError UNSUPPORTED when as many for all rows do not fit the largest binding
 */
export function expectRoom(op: string, { x, encoder }: Omit<EncoderInputs<Tensor>, "bias">, perRow = encoder.shape[0]): void {
  const { device } = x;
  const B = x.shape[0];
  if (device instanceof WebGpuDevice && 4 * B * perRow > device.limits.bindingBytes)
    throw new KernelError("UNSUPPORTED", `${op}: expected at most ${device.limits.bindingBytes / 4} entries on ${device.label}, got room for ${B} x ${perRow}`, "encode fewer rows at a time");
}

/**
 * The slopes of an encoder from those of its pre-activations at the support, which touch the support only.
 * @param inputs.centre f32[D], taken from x before it is encoded. Its slope needs no slope of x: Σ -(slopes encoder) over the
 *   rows is that of each feature's total
 * @param slopes f32[capacity], an entry each
 * @param sums over the entries of each feature, where they are at hand
 */
export function encoderSlopes(
  { x, encoder, centre }: { x: Tensor; encoder: Tensor; centre?: Tensor },
  { rowStart, index }: Pick<Entries<Tensor, Tensor>, "rowStart" | "index">,
  slopes: Tensor,
  needs: EncoderInputs<boolean> & { centre?: boolean },
  sums: FeatureSums = overFeatures({ shape: [x.shape[0], encoder.shape[0]], rowStart, index }),
): { x: Tensor | false; encoder: Tensor | false; bias: Tensor | false; centre: Tensor | false } {
  const [F, D] = encoder.shape as [number, number];
  const totals = (needs.bias || !!needs.centre) && sums.totals(slopes);
  return {
    x: needs.x && decodeSparse(new SparseFeatures([x.shape[0], F], rowStart, index, slopes), encoder),
    encoder: needs.encoder && sums.rows(slopes, centre ? sub(x, centre) : x),
    bias: totals,
    centre: !!needs.centre && totals && scale(matmul(totals.reshape([1, F]), encoder).reshape([D]), -1),
  };
}
