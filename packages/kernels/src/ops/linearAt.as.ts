import { arg, nextTask, pointer } from "../wasm/job.as";
import { highHalves, lowHalves, unpackHigh, unpackLow } from "../wasm/simd.as";

// Every value is bias[f], then += x[d] * weight[f,d] for d = 0, 1, 2…, each product and each sum rounded: as `linear` does,
// so that a value is the same bytes whether its whole row was computed or it alone.

/** linearAt(rowStart, index, x, weight, bias or 0, y, B, D, F, capacity): tasks of 8 rows */
export function linearAt(): void {
  const rowStart = pointer(0), index = pointer(1), x = pointer(2), weight = pointer(3), bias = pointer(4), y = pointer(5), B = arg(6), D = arg(7), F = <u32>arg(8), capacity = <u32>arg(9);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let b = t * 8, last = min(b + 8, B); b < last; b++) {
      const e = load<u32>(rowStart + (<usize>b << 2)), end = min(load<u32>(rowStart + (<usize>b << 2) + 4), capacity);
      if (end > e) dotsAt(x + (<usize>b * D << 2), weight, bias, index + (<usize>e << 2), y + (<usize>e << 2), end - e, D, F);
    }
}

/** n values of one row of x at the features listed from `index` on; eight at a time, since each is one long chain of sums. */
export function dotsAt(x: usize, weight: usize, bias: usize, index: usize, y: usize, n: i32, D: i32, F: u32): void {
  const row = <usize>D << 2, whole = row & ~15, end = index + (<usize>n << 2);
  for (; index < end; index += 32, y += 32) {
    const left = <i32>(end - index >> 2);
    const w0 = rowOf(index, 0, left, weight, row, F), w1 = rowOf(index, 1, left, weight, row, F), w2 = rowOf(index, 2, left, weight, row, F), w3 = rowOf(index, 3, left, weight, row, F);
    const w4 = rowOf(index, 4, left, weight, row, F), w5 = rowOf(index, 5, left, weight, row, F), w6 = rowOf(index, 6, left, weight, row, F), w7 = rowOf(index, 7, left, weight, row, F);
    let s = f32x4.splat(0), u = s, k: usize = 0;
    if (bias) {
      s = f32x4(biasOf(w0, weight, row, bias), biasOf(w1, weight, row, bias), biasOf(w2, weight, row, bias), biasOf(w3, weight, row, bias));
      u = f32x4(biasOf(w4, weight, row, bias), biasOf(w5, weight, row, bias), biasOf(w6, weight, row, bias), biasOf(w7, weight, row, bias));
    }
    // four products of each, then turned: a column holds one depth of four features
    for (; k < whole; k += 16) {
      const p = v128.load(x + k);
      const r0 = f32x4.mul(p, v128.load(w0 + k)), r1 = f32x4.mul(p, v128.load(w1 + k)), r2 = f32x4.mul(p, v128.load(w2 + k)), r3 = f32x4.mul(p, v128.load(w3 + k));
      const a = unpackLow(r0, r1), b = unpackHigh(r0, r1), c = unpackLow(r2, r3), d = unpackHigh(r2, r3);
      s = f32x4.add(f32x4.add(f32x4.add(f32x4.add(s, lowHalves(a, c)), highHalves(a, c)), lowHalves(b, d)), highHalves(b, d));
      const r4 = f32x4.mul(p, v128.load(w4 + k)), r5 = f32x4.mul(p, v128.load(w5 + k)), r6 = f32x4.mul(p, v128.load(w6 + k)), r7 = f32x4.mul(p, v128.load(w7 + k));
      const e = unpackLow(r4, r5), f = unpackHigh(r4, r5), g = unpackLow(r6, r7), h = unpackHigh(r6, r7);
      u = f32x4.add(f32x4.add(f32x4.add(f32x4.add(u, lowHalves(e, g)), highHalves(e, g)), lowHalves(f, h)), highHalves(f, h));
    }
    for (; k < row; k += 4) {
      const p = v128.load32_splat(x + k);
      s = f32x4.add(s, f32x4.mul(p, f32x4(load<f32>(w0 + k), load<f32>(w1 + k), load<f32>(w2 + k), load<f32>(w3 + k))));
      u = f32x4.add(u, f32x4.mul(p, f32x4(load<f32>(w4 + k), load<f32>(w5 + k), load<f32>(w6 + k), load<f32>(w7 + k))));
    }
    put(y, s, left);
    if (left > 4) put(y + 16, u, left - 4);
  }
}
/** The weights of the i-th feature from `at` on; past the last one, the last again. */
// @ts-ignore: decorator
@inline function rowOf(at: usize, i: i32, left: i32, weight: usize, row: usize, F: u32): usize {
  return weight + <usize>min(load<u32>(at + (<usize>min(i, left - 1) << 2)), F - 1) * row;
}
// @ts-ignore: decorator
@inline function biasOf(w: usize, weight: usize, row: usize, bias: usize): f32 {
  return load<f32>(bias + ((w - weight) / row << 2));
}
// @ts-ignore: decorator
@inline function put(y: usize, v: v128, n: i32): void {
  if (n >= 4) return v128.store(y, v);
  store<f32>(y, f32x4.extract_lane(v, 0));
  if (n > 1) store<f32>(y, f32x4.extract_lane(v, 1), 4);
  if (n > 2) store<f32>(y, f32x4.extract_lane(v, 2), 8);
}
