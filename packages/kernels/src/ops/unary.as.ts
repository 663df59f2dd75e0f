import { arg, float, nextTask, pointer } from "../wasm/job.as";
import { exp4, log4 } from "../wasm/simd.as";

const RELU = 0, SQUARE = 1, SQRT = 2, ABS = 3, EXP = 4, LOG = 5, POW = 6, AFFINE = 7;

/** e^x with its whole range: e^(x/2) squared overflows and vanishes where e^x does. */
// @ts-ignore: decorator
@inline function wholeExp4(x: v128): v128 {
  const half = exp4(f32x4.mul(x, f32x4.splat(0.5)));
  return f32x4.mul(half, half);
}

/** |x|^a, times `sign` where x < 0 (1, -1, or NaN by what a is). */
// @ts-ignore: decorator
@inline function pow4(x: v128, a: f32, sign: f32): v128 {
  if (a == 0) return f32x4.splat(1);
  const y = wholeExp4(f32x4.mul(log4(f32x4.abs(x)), f32x4.splat(a)));
  return v128.bitselect(f32x4.mul(y, f32x4.splat(sign)), y, f32x4.lt(x, f32x4.splat(0)));
}

// relu(x, y, n, a, b): tasks of 8,192 elements
// @ts-ignore: decorator
@inline function value(code: i32, x: v128, a: f32, b: f32): v128 {
  if (code == RELU) return v128.andnot(x, f32x4.le(x, f32x4.splat(0)));
  if (code == SQUARE) return f32x4.mul(x, x);
  if (code == SQRT) return f32x4.sqrt(x);
  if (code == ABS) return f32x4.abs(x);
  if (code == EXP) return wholeExp4(x);
  if (code == LOG) return log4(x);
  if (code == POW) return pow4(x, a, b);
  return f32x4.add(f32x4.mul(x, f32x4.splat(a)), f32x4.splat(b));
}
// @ts-ignore: decorator
@inline function each(code: i32): void {
  const x = pointer(0), y = pointer(1), n = arg(2), a = float(3), b = float(4);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    for (; i + 4 <= end; i += 4) v128.store(y + (<usize>i << 2), value(code, v128.load(x + (<usize>i << 2)), a, b));
    for (; i < end; i++) store<f32>(y + (<usize>i << 2), f32x4.extract_lane(value(code, f32x4.splat(load<f32>(x + (<usize>i << 2))), a, b), 0));
  }
}

// reluBackward(x or y, dy, dx, n, a, b): relu, sqrt and exp are given their y
// @ts-ignore: decorator
@inline function slope(code: i32, x: v128, g: v128, a: f32, b: f32): v128 {
  const zero = f32x4.splat(0);
  if (code == RELU) return v128.andnot(g, f32x4.le(x, zero));
  if (code == SQUARE) return f32x4.mul(f32x4.add(x, x), g);
  if (code == SQRT) return v128.andnot(f32x4.div(f32x4.mul(f32x4.splat(0.5), g), x), f32x4.eq(g, zero));
  if (code == ABS) return v128.andnot(v128.bitselect(f32x4.neg(g), g, f32x4.lt(x, zero)), f32x4.eq(x, zero));
  if (code == EXP) return f32x4.mul(x, g);
  if (code == LOG) return f32x4.div(g, x);
  return v128.andnot(f32x4.mul(f32x4.mul(pow4(x, a - 1, -b), f32x4.splat(a)), g), f32x4.eq(x, zero));
}
// @ts-ignore: decorator
@inline function back(code: i32): void {
  const x = pointer(0), g = pointer(1), y = pointer(2), n = arg(3), a = float(4), b = float(5);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    for (; i + 4 <= end; i += 4) v128.store(y + (<usize>i << 2), slope(code, v128.load(x + (<usize>i << 2)), v128.load(g + (<usize>i << 2)), a, b));
    for (; i < end; i++) store<f32>(y + (<usize>i << 2), f32x4.extract_lane(slope(code, f32x4.splat(load<f32>(x + (<usize>i << 2))), f32x4.splat(load<f32>(g + (<usize>i << 2))), a, b), 0));
  }
}
export function reluOf(): void {
  each(RELU);
}
export function squareOf(): void {
  each(SQUARE);
}
export function sqrtOf(): void {
  each(SQRT);
}
export function absOf(): void {
  each(ABS);
}
export function expOf(): void {
  each(EXP);
}
export function logOf(): void {
  each(LOG);
}
export function powOf(): void {
  each(POW);
}
export function affineOf(): void {
  each(AFFINE);
}
export function reluBackward(): void {
  back(RELU);
}
export function squareBackward(): void {
  back(SQUARE);
}
export function sqrtBackward(): void {
  back(SQRT);
}
export function absBackward(): void {
  back(ABS);
}
export function expBackward(): void {
  back(EXP);
}
export function logBackward(): void {
  back(LOG);
}
export function powBackward(): void {
  back(POW);
}
