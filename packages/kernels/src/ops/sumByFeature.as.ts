import { arg, nextTask, pointer } from "../wasm/job.as";
import { addFourRows, addRow } from "./addRows.as";

/** sumRowsByFeature(start, entry, row, coefficients, rows, y, F, D, B, capacity): tasks of 16 features */
export function sumRowsByFeature(): void {
  const start = pointer(0), entry = pointer(1), rowOf = pointer(2), coefficients = pointer(3), rows = pointer(4), y = pointer(5), F = arg(6), D = arg(7), B = <u32>arg(8), capacity = <u32>arg(9);
  const bytes = <usize>D << 2, whole = bytes & ~15;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let f = t * 16, last = min(f + 16, F); f < last; f++) {
      const out = y + <usize>f * bytes, end = <usize>min(load<u32>(start + (<usize>f << 2) + 4), capacity) << 2;
      let i = <usize>load<u32>(start + (<usize>f << 2)) << 2;
      memory.fill(out, 0, bytes);
      for (; i + 16 <= end; i += 16) {
        const r0 = at(rows, rowOf + i, bytes, B), r1 = at(rows, rowOf + i + 4, bytes, B), r2 = at(rows, rowOf + i + 8, bytes, B), r3 = at(rows, rowOf + i + 12, bytes, B);
        const w0 = weightOf(coefficients, entry + i, capacity), w1 = weightOf(coefficients, entry + i + 4, capacity), w2 = weightOf(coefficients, entry + i + 8, capacity), w3 = weightOf(coefficients, entry + i + 12, capacity);
        addFourRows(out, r0, r1, r2, r3, w0, w1, w2, w3, bytes, whole);
      }
      for (; i < end; i += 4) {
        const r = at(rows, rowOf + i, bytes, B), w = weightOf(coefficients, entry + i, capacity);
        addRow(out, r, w, bytes, whole);
      }
    }
}
// A row or an entry past the end is held to the last, so that no read leaves the memory.
// @ts-ignore: decorator
@inline function at(rows: usize, row: usize, bytes: usize, B: u32): usize {
  return rows + <usize>min(load<u32>(row), B - 1) * bytes;
}
// @ts-ignore: decorator
@inline function weightOf(coefficients: usize, entry: usize, capacity: u32): v128 {
  return v128.load32_splat(coefficients + (<usize>min(load<u32>(entry), capacity - 1) << 2));
}

/** sumByFeature(start, entry, coefficients, y, F, capacity): tasks of 128 features */
export function sumByFeature(): void {
  const start = pointer(0), entry = pointer(1), coefficients = pointer(2), y = pointer(3), F = arg(4), capacity = <u32>arg(5);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let f = t * 128, last = min(f + 128, F); f < last; f++) {
      let sum: f32 = 0;
      for (let i = load<u32>(start + (<usize>f << 2)), end = min(load<u32>(start + (<usize>f << 2) + 4), capacity); i < end; i++)
        sum += load<f32>(coefficients + (<usize>min(load<u32>(entry + (<usize>i << 2)), capacity - 1) << 2));
      store<f32>(y + (<usize>f << 2), sum);
    }
}
