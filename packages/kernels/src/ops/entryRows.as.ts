import { arg, float, nextTask, pointer } from "../wasm/job.as";

// sumPositive(rowStart, values, y, B, capacity, p): tasks of 64 rows
// @ts-ignore: decorator
@inline function each(code: i32): void {
  const rowStart = pointer(0), values = pointer(1), y = pointer(2), B = arg(3), capacity = <u32>arg(4), p = float(5);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let b = t * 64, last = min(b + 64, B); b < last; b++) {
      let result: f32 = code == 3 ? Infinity : 0;
      for (let e = load<u32>(rowStart + (<usize>b << 2)), end = min(load<u32>(rowStart + (<usize>b << 2) + 4), capacity); e < end; e++) {
        const v = load<f32>(values + (<usize>e << 2));
        if (code == 0) result += v <= 0 ? 0 : v;
        else if (code == 1) result += v <= 0 ? 0 : Mathf.pow(v, p);
        else if (code == 2) result += v == 0 ? 0 : 1;
        else if (v > 0) result = min(result, v);
      }
      store<f32>(y + (<usize>b << 2), result);
    }
}
export function sumPositive(): void {
  each(0);
}
export function sumPowers(): void {
  each(1);
}
export function countNonzero(): void {
  each(2);
}
export function minPositive(): void {
  each(3);
}

/** powerSlopes(rowStart, values, slopes, y, B, capacity, p): tasks of 64 rows */
export function powerSlopes(): void {
  const rowStart = pointer(0), values = pointer(1), slopes = pointer(2), y = pointer(3), B = arg(4), capacity = <u32>arg(5), p = float(6);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let b = t * 64, last = min(b + 64, B); b < last; b++) {
      const slope = load<f32>(slopes + (<usize>b << 2));
      for (let e = load<u32>(rowStart + (<usize>b << 2)), end = min(load<u32>(rowStart + (<usize>b << 2) + 4), capacity); e < end; e++) {
        const v = load<f32>(values + (<usize>e << 2));
        store<f32>(y + (<usize>e << 2), v <= 0 ? 0 : p == 1 ? slope : slope * p * Mathf.pow(v, p - 1));
      }
    }
}
