import { sizeOf, bytesOf, type Tensor } from "../tensor.js";
import type { Binding } from "./dispatch.js";
import { type WebGpuDevice } from "./webgpuDevice.js";

/** Consecutive rows of a tensor that fit one binding: rows `first` to `end`. */
export interface RowTile {
  first: number;
  end: number;
  binding: Binding;
}

/**
 * Cuts a tensor along its first dimension so that each part fits the device's largest binding
 * and starts at an allowed offset. One part, the whole, in the usual case.
 * @param atMost rows a part may have at the most (for the sake of another tensor that is cut alike)
 */
export function rowTiles(tensor: Tensor, atMost = Infinity): RowTile[] {
  const rows = tensor.shape[0] ?? 1;
  const rowBytes = sizeOf(tensor.shape.slice(1)) * bytesOf[tensor.dtype];
  const { bindingBytes, offsetAlignment } = (tensor.device as WebGpuDevice).limits;
  if (rows * rowBytes <= bindingBytes && rows <= atMost) return [{ first: 0, end: rows, binding: { tensor } }];
  // the fewest rows whose bytes are a multiple of the alignment
  let unit = 1;
  while ((unit * rowBytes) % offsetAlignment) unit *= 2;
  const step = Math.max(unit, Math.floor(Math.min(bindingBytes / rowBytes, atMost) / unit) * unit);
  const tiles: RowTile[] = [];
  for (let first = 0; first < rows; first += step) {
    const end = Math.min(rows, first + step);
    tiles.push({ first, end, binding: { tensor, offset: first * rowBytes, bytes: (end - first) * rowBytes } });
  }
  return tiles;
}
