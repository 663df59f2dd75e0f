import { arg, nextTask, pointer } from "../wasm/job.as";
import { highHalves, lowHalves, unpackHigh, unpackLow } from "../wasm/simd.as";

// Every value as in `linearAt`: bias[f], then += x[d] * weight[f,d] for d = 0, 1, 2…, each product and each sum rounded.

/** linearAtByFeature(start, entry, row, x, weight, bias or 0, y, B, D, F, capacity): tasks of 32 features */
export function linearAtByFeature(): void {
  const start = pointer(0), entry = pointer(1), rowOf = pointer(2), x = pointer(3), weight = pointer(4), bias = pointer(5), y = pointer(6), B = <u32>arg(7), D = arg(8), F = arg(9), capacity = <u32>arg(10);
  const row = <usize>D << 2, whole = row & ~15;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let f = t * 32, last = min(f + 32, F); f < last; f++) {
      const w = weight + <usize>f * row, end = <usize>min(load<u32>(start + (<usize>f << 2) + 4), capacity) << 2;
      // eight entries at a time, since each is one long chain of sums; past the last one, the last again
      for (let i = <usize>load<u32>(start + (<usize>f << 2)) << 2; i < end; i += 32) {
        const left = <i32>(end - i >> 2);
        const x0 = rowAt(rowOf + i, 0, left, x, row, B), x1 = rowAt(rowOf + i, 1, left, x, row, B), x2 = rowAt(rowOf + i, 2, left, x, row, B), x3 = rowAt(rowOf + i, 3, left, x, row, B);
        const x4 = rowAt(rowOf + i, 4, left, x, row, B), x5 = rowAt(rowOf + i, 5, left, x, row, B), x6 = rowAt(rowOf + i, 6, left, x, row, B), x7 = rowAt(rowOf + i, 7, left, x, row, B);
        let s = bias ? v128.load32_splat(bias + (<usize>f << 2)) : f32x4.splat(0), u = s, k: usize = 0;
        // four products of each, then turned: a column holds one depth of four entries
        for (; k < whole; k += 16) {
          const p = v128.load(w + k);
          const r0 = f32x4.mul(v128.load(x0 + k), p), r1 = f32x4.mul(v128.load(x1 + k), p), r2 = f32x4.mul(v128.load(x2 + k), p), r3 = f32x4.mul(v128.load(x3 + k), p);
          const a = unpackLow(r0, r1), b = unpackHigh(r0, r1), c = unpackLow(r2, r3), d = unpackHigh(r2, r3);
          s = f32x4.add(f32x4.add(f32x4.add(f32x4.add(s, lowHalves(a, c)), highHalves(a, c)), lowHalves(b, d)), highHalves(b, d));
          if (left <= 4) continue;
          const r4 = f32x4.mul(v128.load(x4 + k), p), r5 = f32x4.mul(v128.load(x5 + k), p), r6 = f32x4.mul(v128.load(x6 + k), p), r7 = f32x4.mul(v128.load(x7 + k), p);
          const e = unpackLow(r4, r5), f = unpackHigh(r4, r5), g = unpackLow(r6, r7), h = unpackHigh(r6, r7);
          u = f32x4.add(f32x4.add(f32x4.add(f32x4.add(u, lowHalves(e, g)), highHalves(e, g)), lowHalves(f, h)), highHalves(f, h));
        }
        for (; k < row; k += 4) {
          const p = v128.load32_splat(w + k);
          s = f32x4.add(s, f32x4.mul(f32x4(load<f32>(x0 + k), load<f32>(x1 + k), load<f32>(x2 + k), load<f32>(x3 + k)), p));
          u = f32x4.add(u, f32x4.mul(f32x4(load<f32>(x4 + k), load<f32>(x5 + k), load<f32>(x6 + k), load<f32>(x7 + k)), p));
        }
        put(y, entry + i, s, left, capacity);
        if (left > 4) put(y, entry + i + 16, u, left - 4, capacity);
      }
    }
}
// A row or an entry past the end is held to the last, so that nothing leaves the memory.
// @ts-ignore: decorator
@inline function rowAt(at: usize, i: i32, left: i32, x: usize, row: usize, B: u32): usize {
  return x + <usize>min(load<u32>(at + (<usize>min(i, left - 1) << 2)), B - 1) * row;
}
// @ts-ignore: decorator
@inline function put(y: usize, entry: usize, v: v128, n: i32, capacity: u32): void {
  store<f32>(y + (<usize>min(load<u32>(entry), capacity - 1) << 2), f32x4.extract_lane(v, 0));
  if (n > 1) store<f32>(y + (<usize>min(load<u32>(entry, 4), capacity - 1) << 2), f32x4.extract_lane(v, 1));
  if (n > 2) store<f32>(y + (<usize>min(load<u32>(entry, 8), capacity - 1) << 2), f32x4.extract_lane(v, 2));
  if (n > 3) store<f32>(y + (<usize>min(load<u32>(entry, 12), capacity - 1) << 2), f32x4.extract_lane(v, 3));
}
