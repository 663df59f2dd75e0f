import { arg, nextTask, pointer } from "../wasm/job.as";
import { exp4 } from "../wasm/simd.as";

// erf4(x) is erf(x/√2); erf(x) ≈ x P(x²)/Q(x²); the coefficients are those of `ERF` in gelu.ts (a test compares the two)
// @ts-ignore: decorator
@inline function erf4(x: v128): v128 {
  const limit = f32x4.splat(3.92);
  const z = f32x4.pmax(f32x4.pmin(f32x4.mul(x, f32x4.splat(0.70710678)), limit), f32x4.neg(limit)); // NaN passes
  const t = f32x4.mul(z, z);
  let p = f32x4.splat(2.03473836e-6);
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.000287477934));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.0038682815));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.0530603449));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.192763048));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.12837902));
  let q = f32x4.splat(3.80705974e-5);
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(0.00118810307));
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(0.0151722069));
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(0.115084198));
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(0.50416347));
  q = f32x4.add(f32x4.mul(q, t), f32x4.splat(1.0));
  return f32x4.div(f32x4.mul(z, p), q);
}
// @ts-ignore: decorator
@inline function gelu4(x: v128): v128 {
  return f32x4.mul(f32x4.mul(x, f32x4.splat(0.5)), f32x4.add(f32x4.splat(1), erf4(x)));
}
/** g (Φ(x) + x φ(x)); x is held where e^(-x²/2) is nothing, so that infinity meets no 0. */
// @ts-ignore: decorator
@inline function slope4(x: v128, g: v128): v128 {
  const held = f32x4.pmax(f32x4.pmin(x, f32x4.splat(14)), f32x4.splat(-14)), half = f32x4.splat(0.5);
  const density = f32x4.mul(exp4(f32x4.neg(f32x4.mul(half, f32x4.mul(held, held)))), f32x4.splat(0.39894228));
  return f32x4.mul(g, f32x4.add(f32x4.mul(half, f32x4.add(f32x4.splat(1), erf4(x))), f32x4.mul(held, density)));
}

/** gelu(x, y, n): tasks of 8,192 elements */
export function gelu(): void {
  const x = pointer(0), y = pointer(1), n = arg(2);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    for (; i + 4 <= end; i += 4) v128.store(y + (<usize>i << 2), gelu4(v128.load(x + (<usize>i << 2))));
    for (; i < end; i++) store<f32>(y + (<usize>i << 2), f32x4.extract_lane(gelu4(f32x4.splat(load<f32>(x + (<usize>i << 2)))), 0));
  }
}

/** geluBackward(x, dy, dx, n) */
export function geluBackward(): void {
  const x = pointer(0), g = pointer(1), y = pointer(2), n = arg(3);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    for (; i + 4 <= end; i += 4) v128.store(y + (<usize>i << 2), slope4(v128.load(x + (<usize>i << 2)), v128.load(g + (<usize>i << 2))));
    for (; i < end; i++) store<f32>(y + (<usize>i << 2), f32x4.extract_lane(slope4(f32x4.splat(load<f32>(x + (<usize>i << 2))), f32x4.splat(load<f32>(g + (<usize>i << 2)))), 0));
  }
}
