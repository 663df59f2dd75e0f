import { arg, nextTask, pointer } from "../wasm/job.as";

/** embeddingF32(weight, ids, y, N, D, V): tasks of 16 rows */
export function embeddingF32(): void {
  const weight = pointer(0), ids = pointer(1), y = pointer(2), N = arg(3), D = arg(4), V = <u32>arg(5), row = <usize>D << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * 16, end = min(n + 16, N); n < end; n++) {
      const id = load<u32>(ids + (<usize>n << 2)), out = y + <usize>n * row;
      if (id < V) memory.copy(out, weight + <usize>id * row, row);
      else for (let d: usize = 0; d < row; d += 4) store<f32>(out + d, <f32>NaN);
    }
}

/** embeddingF16(weight, ids, y, N, D, V): tasks of 16 rows */
export function embeddingF16(): void {
  const weight = pointer(0), ids = pointer(1), y = pointer(2), N = arg(3), D = arg(4), V = <u32>arg(5), row = <usize>D << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * 16, end = min(n + 16, N); n < end; n++) {
      const id = load<u32>(ids + (<usize>n << 2)), out = y + <usize>n * row;
      if (id < V) widen(weight + <usize>id * (row >> 1), out, D);
      else for (let d: usize = 0; d < row; d += 4) store<f32>(out + d, <f32>NaN);
    }
}

/** n halves → floats. Sign, exponent and fraction move to their f32 places; a multiplication by 2^112 mends the bias and subnormals. */
export function widen(from: usize, to: usize, n: i32): void {
  const magic = f32x4.splat(5.192296858534828e33); // 2^112
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(to + (<usize>i << 2), widen4(i32x4.extend_low_i16x8_u(v128.load64_zero(from + (<usize>i << 1))), magic));
  for (; i < n; i++) store<i32>(to + (<usize>i << 2), i32x4.extract_lane(widen4(i32x4.splat(<i32>load<u16>(from + (<usize>i << 1))), magic), 0));
}
// @ts-ignore: decorator
@inline function widen4(h: v128, magic: v128): v128 {
  const sign = i32x4.shl(v128.and(h, i32x4.splat(0x8000)), 16);
  const rest = i32x4.shl(v128.and(h, i32x4.splat(0x7fff)), 13);
  const special = i32x4.ge_s(rest, i32x4.splat(0x7c00 << 13)); // infinities and NaN keep an exponent of all ones
  const value = v128.bitselect(v128.or(rest, i32x4.splat(0x7f800000)), f32x4.mul(rest, magic), special);
  return v128.or(sign, value);
}

/** castF16(x, y, n): tasks of 16,384 elements */
export function castF16(): void {
  const x = pointer(0), y = pointer(1), n = arg(2);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const i = t * 16384;
    widen(x + (<usize>i << 1), y + (<usize>i << 2), min(16384, n - i));
  }
}
