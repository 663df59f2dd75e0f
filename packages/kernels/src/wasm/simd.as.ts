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
