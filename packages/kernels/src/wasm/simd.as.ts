// Vector pieces that several kernels share.

/** Sum of the four lanes, in a fixed order. */
// @ts-ignore: decorator
@inline export function sum4(v: v128): f32 {
  return f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}
// @ts-ignore: decorator
@inline export function max4(v: v128): f32 {
  return max(max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)), max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)));
}

/** exp of four lanes: 2^n * e^r with |r| <= ln2/2, e^r by its series to r^7; relative error 2e-7; x is held in -87..88. */
// @ts-ignore: decorator
@inline export function exp4(x: v128): v128 {
  const held = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-87.0)), f32x4.splat(88.0)); // one instruction each; NaN passes
  const n = f32x4.nearest(f32x4.mul(held, f32x4.splat(1.44269504)));
  // ln2 in two parts, so that n*ln2 loses nothing
  const r = f32x4.sub(f32x4.sub(held, f32x4.mul(n, f32x4.splat(0.693359375))), f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let y = f32x4.splat(1.98412698e-4);
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(1.38888889e-3));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(8.33333333e-3));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(4.16666667e-2));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(1.66666667e-1));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(0.5));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(1.0));
  y = f32x4.add(f32x4.mul(y, r), f32x4.splat(1.0));
  return f32x4.mul(y, i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23));
}

/** Dot product over n floats, four lanes at a time and the rest one by one; the order depends on n alone. */
// @ts-ignore: decorator
@inline export function dot(a: usize, b: usize, n: i32): f32 {
  let s = f32x4.splat(0);
  let i = 0;
  for (; i + 4 <= n; i += 4) s = f32x4.add(s, f32x4.mul(v128.load(a + (<usize>i << 2)), v128.load(b + (<usize>i << 2))));
  let sum = sum4(s);
  for (; i < n; i++) sum += load<f32>(a + (<usize>i << 2)) * load<f32>(b + (<usize>i << 2));
  return sum;
}

/** Copies n floats. */
// @ts-ignore: decorator
@inline export function copyFloats(to: usize, from: usize, n: i32): void {
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(to + (<usize>i << 2), v128.load(from + (<usize>i << 2)));
  for (; i < n; i++) store<f32>(to + (<usize>i << 2), load<f32>(from + (<usize>i << 2)));
}

// Of a 4x4 transpose: [a0 b0 a1 b1], [a2 b2 a3 b3], then halves side by side.
// @ts-ignore: decorator
@inline export function unpackLow(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 0, 4, 1, 5);
}
// @ts-ignore: decorator
@inline export function unpackHigh(a: v128, b: v128): v128 {
  return v128.shuffle<f32>(a, b, 2, 6, 3, 7);
}
// @ts-ignore: decorator
@inline export function lowHalves(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 0, 2);
}
// @ts-ignore: decorator
@inline export function highHalves(a: v128, b: v128): v128 {
  return v128.shuffle<i64>(a, b, 1, 3);
}

/** Natural logarithm of four lanes: x = 2^n m with m in √½..√2, ln m = 2 artanh s by its series to s^11, s = (m-1)/(m+1); relative error 2e-7. */
// @ts-ignore: decorator
@inline export function log4(x: v128): v128 {
  const small = f32x4.lt(x, f32x4.splat(1.17549435e-38)); // denormals, and what is no positive number
  const bits = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, small);
  const shifted = i32x4.sub(bits, i32x4.splat(0x3f3504f3)); // √½
  const n = i32x4.shr_s(shifted, 23);
  const m = i32x4.add(v128.and(shifted, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3));
  const s = f32x4.div(f32x4.sub(m, f32x4.splat(1)), f32x4.add(m, f32x4.splat(1))), t = f32x4.mul(s, s);
  let y = f32x4.splat(0.181818182);
  y = f32x4.add(f32x4.mul(y, t), f32x4.splat(0.222222222));
  y = f32x4.add(f32x4.mul(y, t), f32x4.splat(0.285714286));
  y = f32x4.add(f32x4.mul(y, t), f32x4.splat(0.4));
  y = f32x4.add(f32x4.mul(y, t), f32x4.splat(0.666666667));
  y = f32x4.add(f32x4.mul(f32x4.mul(y, t), s), f32x4.add(s, s));
  const e = f32x4.sub(f32x4.convert_i32x4_s(n), v128.and(f32x4.splat(23), small));
  y = f32x4.add(f32x4.add(y, f32x4.mul(e, f32x4.splat(-2.12194440e-4))), f32x4.mul(e, f32x4.splat(0.693359375)));
  y = v128.bitselect(x, y, v128.or(f32x4.ne(x, x), f32x4.eq(x, f32x4.splat(Infinity))));
  y = v128.bitselect(f32x4.splat(NaN), y, f32x4.lt(x, f32x4.splat(0)));
  return v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)));
}

/** Floats in the order of relu(v) as integers: NaN above all. */
// @ts-ignore: decorator
@inline export function reluKeys(v: v128): v128 {
  return v128.or(i32x4.max_s(v, i32x4.splat(0)), v128.and(f32x4.ne(v, v), i32x4.splat(0x7fffffff)));
}
// @ts-ignore: decorator
@inline export function reluKey(at: usize): i32 {
  const v = load<f32>(at);
  return v != v ? 0x7fffffff : max(load<i32>(at), 0);
}
