import { arg, nextTask, pointer } from "../wasm/job.as";
import { addFourRows, addRow } from "./addRows.as";

/** decodeSparse(rowStart, index, values, decoder, bias or 0, y, B, D, F): tasks of 8 rows */
export function decodeSparse(): void {
  const rowStart = pointer(0), index = pointer(1), values = pointer(2), decoder = pointer(3), bias = pointer(4), y = pointer(5), B = arg(6), D = arg(7), F = <u32>arg(8);
  const bytes = <usize>D << 2, whole = <usize>(D & ~3) << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let b = t * 8, last = min(b + 8, B); b < last; b++) {
      const out = y + <usize>b * bytes, end = load<u32>(rowStart + (<usize>b << 2) + 4);
      let e = load<u32>(rowStart + (<usize>b << 2));
      memory.fill(out, 0, bytes);
      for (; e + 4 <= end; e += 4) {
        const at = index + (<usize>e << 2), weights = values + (<usize>e << 2);
        const r0 = decoderRow(at, decoder, bytes, F), r1 = decoderRow(at + 4, decoder, bytes, F), r2 = decoderRow(at + 8, decoder, bytes, F), r3 = decoderRow(at + 12, decoder, bytes, F);
        const w0 = v128.load32_splat(weights), w1 = v128.load32_splat(weights, 4), w2 = v128.load32_splat(weights, 8), w3 = v128.load32_splat(weights, 12);
        addFourRows(out, r0, r1, r2, r3, w0, w1, w2, w3, bytes, whole);
      }
      for (; e < end; e++) {
        const row = decoderRow(index + (<usize>e << 2), decoder, bytes, F), w = v128.load32_splat(values + (<usize>e << 2));
        addRow(out, row, w, bytes, whole);
      }
      if (bias) for (let o: usize = 0; o < bytes; o += 4) store<f32>(out + o, load<f32>(out + o) + load<f32>(bias + o));
    }
}
/** Where the decoder row of an entry lies; an index past the decoder is held to its last row, so that no read leaves it. */
// @ts-ignore: decorator
@inline function decoderRow(at: usize, decoder: usize, bytes: usize, F: u32): usize {
  return decoder + <usize>min(load<u32>(at), F - 1) * bytes;
}
