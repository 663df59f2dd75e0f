import { arg, nextTask, pointer } from "../wasm/job.as";
import { max4, sum4 } from "../wasm/simd.as";

// sumRows(x, y, N, D, rows): tasks of `rows` rows
// @ts-ignore: decorator
@inline function each(code: i32): void {
  const x = pointer(0), y = pointer(1), N = arg(2), D = arg(3), rows = arg(4);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * rows, end = min(n + rows, N); n < end; n++) {
      const row = x + (<usize>n * D << 2), out = y + (<usize>n << 2);
      if (code == 0) store<f32>(out, <f32>rowSum(row, D));
      else if (code == 1) store<f32>(out, <f32>(rowSum(row, D) / D));
      else if (code == 2) store<f32>(out, rowMax(row, D));
      else store<i32>(out, indexOf(row, D, rowMax(row, D)));
    }
}
export function sumRows(): void {
  each(0);
}
export function meanRows(): void {
  each(1);
}
export function maxRows(): void {
  each(2);
}
export function argmax(): void {
  each(3);
}

/** Sum of n floats: runs of 256 in f32, four lanes each, those in f64. */
export function rowSum(x: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < n; ) {
    let s = f32x4.splat(0);
    const end = min(n, i + 256);
    for (; i + 4 <= end; i += 4) s = f32x4.add(s, v128.load(x + (<usize>i << 2)));
    let part = sum4(s);
    for (; i < end; i++) part += load<f32>(x + (<usize>i << 2));
    sum += part;
  }
  return sum;
}

/** Largest of n floats, NaN where one is. */
export function rowMax(x: usize, n: i32): f32 {
  let m = f32x4.splat(-Infinity), m1 = m, m2 = m, m3 = m, i = 0;
  for (; i + 16 <= n; i += 16) {
    const at = x + (<usize>i << 2);
    m = f32x4.max(m, v128.load(at));
    m1 = f32x4.max(m1, v128.load(at, 16));
    m2 = f32x4.max(m2, v128.load(at, 32));
    m3 = f32x4.max(m3, v128.load(at, 48));
  }
  m = f32x4.max(f32x4.max(m, m1), f32x4.max(m2, m3));
  for (; i + 4 <= n; i += 4) m = f32x4.max(m, v128.load(x + (<usize>i << 2)));
  let largest = max4(m);
  for (; i < n; i++) largest = max(largest, load<f32>(x + (<usize>i << 2)));
  return largest;
}

/** Place of the first float that equals `value`, NaN included. */
function indexOf(x: usize, n: i32, value: f32): i32 {
  const nan = value != value, wanted = f32x4.splat(value);
  let i = 0;
  for (; i + 4 <= n; i += 4) {
    const v = v128.load(x + (<usize>i << 2)), hits = i32x4.bitmask(nan ? f32x4.ne(v, v) : f32x4.eq(v, wanted));
    if (hits) return i + ctz(hits);
  }
  for (; i < n; i++) {
    const v = load<f32>(x + (<usize>i << 2));
    if (nan ? v != v : v == value) break;
  }
  return i;
}
