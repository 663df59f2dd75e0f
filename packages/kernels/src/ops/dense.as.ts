import { arg, nextTask, pointer, scratch } from "../wasm/job.as";

// An index past the matrix is passed over, so that nothing outside is read or written.

/** denseRows(rowStart, index, values, y, start, end, F, capacity): rows start to end; tasks of 8 rows */
export function denseRows(): void {
  const rowStart = pointer(0), index = pointer(1), values = pointer(2), y = pointer(3), start = arg(4), end = arg(5), F = <u32>arg(6), capacity = <u32>arg(7);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let b = start + t * 8, last = min(b + 8, end); b < last; b++) {
      const row = y + <usize>(b - start) * (<usize>F << 2);
      memory.fill(row, 0, <usize>F << 2);
      for (let e = firstOf(rowStart, b), stop = min(firstOf(rowStart, b + 1), capacity); e < stop; e++) {
        const f = load<u32>(index + (<usize>e << 2));
        if (f < F) store<f32>(row + (<usize>f << 2), load<f32>(values + (<usize>e << 2)));
      }
    }
}

/** denseColumns(rowStart, index, values, y, start, end, B, capacity): features start to end, a row of B each; tasks of 32 of B */
export function denseColumns(): void {
  const rowStart = pointer(0), index = pointer(1), values = pointer(2), y = pointer(3), start = <u32>arg(4), end = <u32>arg(5), B = arg(6), capacity = <u32>arg(7);
  const tile = scratch(), places = tile + 16384; // 128 features × 32, which stay in the first-level cache; where each row goes on
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const b0 = t * 32, count = min(32, B - b0);
    for (let i = 0; i < count; i++) store<u32>(places + (<usize>i << 2), firstAt(index, firstOf(rowStart, b0 + i), min(firstOf(rowStart, b0 + i + 1), capacity), start));
    for (let f0 = start; f0 < end; f0 += 128) {
      const width = min(128, end - f0);
      memory.fill(tile, 0, <usize>width << 7);
      for (let i = 0; i < count; i++) {
        let e = load<u32>(places + (<usize>i << 2));
        for (const stop = min(firstOf(rowStart, b0 + i + 1), capacity); e < stop; e++) {
          const f = load<u32>(index + (<usize>e << 2)) - f0;
          if (f >= width) break;
          store<f32>(tile + (<usize>f << 7) + (<usize>i << 2), load<f32>(values + (<usize>e << 2)));
        }
        store<u32>(places + (<usize>i << 2), e);
      }
      for (let f: u32 = 0; f < width; f++) memory.copy(y + (<usize>(f0 + f - start) * B + b0 << 2), tile + (<usize>f << 7), <usize>count << 2);
    }
  }
}

/** takeAt(values, tile, rowStart, index, R, F, capacity), rowStart from the tile's first row on: tasks of 8 rows */
export function takeAt(): void {
  const values = pointer(0), tile = pointer(1), rowStart = pointer(2), index = pointer(3), R = arg(4), F = <u32>arg(5), capacity = <u32>arg(6);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 8, last = min(r + 8, R); r < last; r++) {
      const row = tile + <usize>r * (<usize>F << 2);
      for (let e = firstOf(rowStart, r), stop = min(firstOf(rowStart, r + 1), capacity); e < stop; e++) {
        const f = load<u32>(index + (<usize>e << 2));
        if (f < F) store<f32>(values + (<usize>e << 2), load<f32>(row + (<usize>f << 2)));
      }
    }
}

// @ts-ignore: decorator
@inline function firstOf(rowStart: usize, row: i32): u32 {
  return load<u32>(rowStart + (<usize>row << 2));
}
/** The first entry of a row whose feature is not below f, by halves. */
// @ts-ignore: decorator
@inline function firstAt(index: usize, low: u32, high: u32, f: u32): u32 {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (load<u32>(index + (<usize>middle << 2)) < f) low = middle + 1;
    else high = middle;
  }
  return low;
}
