import type { Device } from "../device.js";
import type { Tensor } from "../tensor.js";
import { copyRowsInto, sliceRows } from "./copyRows.js";
import { linear } from "./linear.js";

/** What is as wide as the features exists as tiles of rows of at most this many bytes (but one row at least). */
const TILE_BYTES = 32 * 2 ** 20;

/** Rows `start` to `end` of n at a time, whose tiles are `width` wide. */
function* ranges(n: number, width: number): Generator<{ start: number; end: number }> {
  const rows = Math.max(1, Math.floor(TILE_BYTES / (4 * Math.max(width, 1))));
  for (let start = 0; start < n; start += rows) yield { start, end: Math.min(n, start + rows) };
}

/** Calls `body` with the pre-activations x encoderᵀ + bias, tile of rows by tile of rows, and each tile's first row. */
export function eachTile({ x, encoder, bias }: { x: Tensor; encoder: Tensor; bias?: Tensor }, body: (tile: Tensor, at: number) => void): void {
  const [B, F] = [x.shape[0], encoder.shape[0]];
  for (const { start, end } of ranges(B, F)) {
    using tile = x.device.scope(() => linear(end - start === B ? x : sliceRows(x, { start, end }), encoder, bias));
    body(tile, start);
  }
}

/**
 * f32[n,D] out of what `make` gives for each range of its rows.
 * @param width of the tiles that `make` needs on the way
 */
export function inTiles(device: Device, [n, D]: readonly [number, number], width: number, make: (range: { start: number; end: number }) => Tensor): Tensor {
  if (4 * n * width <= TILE_BYTES) return device.scope(() => make({ start: 0, end: n }));
  const y = device.empty("f32", [n, D]);
  for (const range of ranges(n, width)) device.scope(() => copyRowsInto(y, make(range), { at: range.start }));
  return y;
}
