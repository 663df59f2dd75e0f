import { arg, float, nextTask, pointer } from "../wasm/job.as";

// Active is "not <= 0": positive, or NaN; with a threshold "not v - threshold <= -margin", and the former too if asked.

// @ts-ignore: decorator
@inline function inactive(v: v128, t: usize, f: i32, wide: i32, least: v128, positive: i32): v128 {
  const zero = f32x4.le(v, f32x4.splat(0));
  if (!t) return zero;
  const low = f32x4.le(f32x4.sub(v, wide ? v128.load(t + (<usize>f << 2)) : v128.load32_splat(t)), least);
  return positive ? v128.or(zero, low) : low;
}
// @ts-ignore: decorator
@inline export function isActive(v: f32, t: usize, f: i32, wide: i32, least: f32, positive: i32): bool {
  if (!t) return !(v <= 0);
  return !(v - load<f32>(t + (<usize>(f * wide) << 2)) <= least) && !(positive && v <= 0);
}

/** countActive(x, counts, R, F, threshold or 0, whether it has F values, margin, positive): tasks of 4 rows */
export function countActive(): void {
  const x = pointer(0), counts = pointer(1), R = arg(2), F = arg(3), threshold = pointer(4), wide = arg(5), least = -float(6), positive = arg(7), leasts = f32x4.splat(least);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 4, end = min(r + 4, R); r < end; r++) {
      const row = x + (<usize>r * F << 2);
      let off = i32x4.splat(0), f = 0; // counted downwards: true is -1
      for (; f + 4 <= F; f += 4) off = i32x4.add(off, inactive(v128.load(row + (<usize>f << 2)), threshold, f, wide, leasts, positive));
      let count = f + i32x4.extract_lane(off, 0) + i32x4.extract_lane(off, 1) + i32x4.extract_lane(off, 2) + i32x4.extract_lane(off, 3);
      for (; f < F; f++) count += i32(isActive(load<f32>(row + (<usize>f << 2)), threshold, f, wide, least, positive));
      store<i32>(counts + (<usize>r << 2), count);
    }
}

/** scanInto(rowStart, counts, R), rowStart from its place `at` on: one task */
export function scanInto(): void {
  const rowStart = pointer(0), counts = pointer(1), R = arg(2);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r: usize = 0; r < <usize>R << 2; r += 4) store<i32>(rowStart + r + 4, load<i32>(rowStart + r) + load<i32>(counts + r));
}

/** compactInto(index, values, x, rowStart, R, F, capacity, threshold or 0, whether it has F values, margin, positive), rowStart from its place `at` on: tasks of 4 rows */
export function compactInto(): void {
  const index = pointer(0), values = pointer(1), x = pointer(2), rowStart = pointer(3), R = arg(4), F = arg(5), capacity = <usize>arg(6);
  const threshold = pointer(7), wide = arg(8), least = -float(9), positive = arg(10), leasts = f32x4.splat(least);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 4, end = min(r + 4, R); r < end; r++) {
      const row = x + (<usize>r * F << 2);
      let e = <usize>load<u32>(rowStart + (<usize>r << 2)), f = 0;
      for (; f + 4 <= F; f += 4) {
        for (let hits = ~i32x4.bitmask(inactive(v128.load(row + (<usize>f << 2)), threshold, f, wide, leasts, positive)) & 15; hits; hits &= hits - 1, e++) {
          const column = f + ctz(hits);
          if (e < capacity) put(index, values, e, column, row);
        }
      }
      for (; f < F; f++) if (isActive(load<f32>(row + (<usize>f << 2)), threshold, f, wide, least, positive) && e < capacity) put(index, values, e++, f, row);
    }
}
// @ts-ignore: decorator
@inline function put(index: usize, values: usize, e: usize, column: i32, row: usize): void {
  store<i32>(index + (e << 2), column);
  store<u32>(values + (e << 2), load<u32>(row + (<usize>column << 2)));
}
