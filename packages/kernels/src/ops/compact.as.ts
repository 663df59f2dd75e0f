import { arg, nextTask, pointer } from "../wasm/job.as";

// Active is "not <= 0": positive, or NaN.

/** countPositive(x, counts, R, F): tasks of 4 rows */
export function countPositive(): void {
  const x = pointer(0), counts = pointer(1), R = arg(2), F = arg(3), zero = f32x4.splat(0);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 4, end = min(r + 4, R); r < end; r++) {
      const row = x + (<usize>r * F << 2);
      let inactive = i32x4.splat(0), f = 0; // counted downwards: true is -1
      for (; f + 4 <= F; f += 4) inactive = i32x4.add(inactive, f32x4.le(v128.load(row + (<usize>f << 2)), zero));
      let count = f + i32x4.extract_lane(inactive, 0) + i32x4.extract_lane(inactive, 1) + i32x4.extract_lane(inactive, 2) + i32x4.extract_lane(inactive, 3);
      for (; f < F; f++) count += i32(!(load<f32>(row + (<usize>f << 2)) <= 0));
      store<i32>(counts + (<usize>r << 2), count);
    }
}

/** scanInto(rowStart, counts, R), rowStart from its place `at` on: one task */
export function scanInto(): void {
  const rowStart = pointer(0), counts = pointer(1), R = arg(2);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r: usize = 0; r < <usize>R << 2; r += 4) store<i32>(rowStart + r + 4, load<i32>(rowStart + r) + load<i32>(counts + r));
}

/** compactInto(index, values, x, rowStart, R, F, capacity), rowStart from its place `at` on: tasks of 4 rows */
export function compactInto(): void {
  const index = pointer(0), values = pointer(1), x = pointer(2), rowStart = pointer(3), R = arg(4), F = arg(5), capacity = <usize>arg(6), zero = f32x4.splat(0);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 4, end = min(r + 4, R); r < end; r++) {
      const row = x + (<usize>r * F << 2);
      let e = <usize>load<u32>(rowStart + (<usize>r << 2)), f = 0;
      for (; f + 4 <= F; f += 4) {
        for (let hits = ~i32x4.bitmask(f32x4.le(v128.load(row + (<usize>f << 2)), zero)) & 15; hits; hits &= hits - 1, e++) {
          const column = f + ctz(hits);
          if (e < capacity) put(index, values, e, column, row);
        }
      }
      for (; f < F; f++) if (!(load<f32>(row + (<usize>f << 2)) <= 0) && e < capacity) put(index, values, e++, f, row);
    }
}
// @ts-ignore: decorator
@inline function put(index: usize, values: usize, e: usize, column: i32, row: usize): void {
  store<i32>(index + (e << 2), column);
  store<u32>(values + (e << 2), load<u32>(row + (<usize>column << 2)));
}
