import { KernelError, ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { WebGpuDevice } from "../webgpu/webgpuDevice.js";
import { byFeature, type FeatureOrder } from "./byFeature.js";
import { sliceRows } from "./copyRows.js";
import { decodeSparse } from "./decodeSparse.js";
import { linear } from "./linear.js";
import { sumByFeature, sumRowsByFeature } from "./sumByFeature.js";

// What the sparse encoders share.

/** Pre-activations exist as tiles of rows of at most this many bytes (but one row at least). */
const TILE_BYTES = 32 * 2 ** 20;

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

/** Calls `body` with the pre-activations x encoderᵀ + bias, tile of rows by tile of rows, and each tile's first row. */
export function eachTile({ x, encoder, bias }: { x: Tensor; encoder: Tensor; bias?: Tensor }, body: (tile: Tensor, at: number) => void): void {
  const [B, F] = [x.shape[0], encoder.shape[0]];
  const rows = Math.max(1, Math.floor(TILE_BYTES / (4 * Math.max(F, 1))));
  for (let start = 0; start < B; start += rows) {
    const end = Math.min(B, start + rows);
    using tile = x.device.scope(() => linear(rows >= B ? x : sliceRows(x, { start, end }), encoder, bias));
    body(tile, start);
  }
}

/**
 * The slopes of an encoder from those of its pre-activations at the support, which touch the support only.
 * @param slopes f32[capacity], an entry each
 * @param order the entries by feature, where it is known
 */
export function encoderSlopes(
  { x, encoder }: Omit<EncoderInputs<Tensor>, "bias">,
  { rowStart, index }: Pick<Entries<Tensor, Tensor>, "rowStart" | "index">,
  slopes: Tensor,
  needs: EncoderInputs<boolean>,
  order: FeatureOrder = byFeature(rowStart, index, { F: encoder.shape[0] }),
): { x: Tensor | false; encoder: Tensor | false; bias: Tensor | false } {
  return {
    x: needs.x && decodeSparse(new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, slopes), encoder),
    encoder: needs.encoder && sumRowsByFeature(order, slopes, x),
    bias: needs.bias && sumByFeature(order, slopes),
  };
}
