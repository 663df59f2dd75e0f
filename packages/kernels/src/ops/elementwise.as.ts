import { arg, nextTask, pointer } from "../wasm/job.as";

// add(a, b, y, n, period, inner): y[i] = a[i] + b[i / inner % period]; tasks of 8,192 elements.
// Each run of equal offset between a and b, or of one b, is one SIMD loop.
// @ts-ignore: decorator
@inline function apply4(code: i32, u: v128, v: v128): v128 {
  return code == 0 ? f32x4.add(u, v) : code == 1 ? f32x4.sub(u, v) : code == 2 ? f32x4.mul(u, v) : f32x4.div(u, v);
}
// @ts-ignore: decorator
@inline function apply1(code: i32, u: f32, v: f32): f32 {
  return code == 0 ? u + v : code == 1 ? u - v : code == 2 ? u * v : u / v;
}
// @ts-ignore: decorator
@inline function each(code: i32): void {
  const a = pointer(0), b = pointer(1), y = pointer(2), n = arg(3), period = arg(4), inner = arg(5);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    while (i < end) {
      if (inner > 1) {
        const group = i / inner, stop = min(end, (group + 1) * inner), v = load<f32>(b + (<usize>(group % period) << 2)), v4 = f32x4.splat(v);
        for (; i + 4 <= stop; i += 4) v128.store(y + (<usize>i << 2), apply4(code, v128.load(a + (<usize>i << 2)), v4));
        for (; i < stop; i++) store<f32>(y + (<usize>i << 2), apply1(code, load<f32>(a + (<usize>i << 2)), v));
        continue;
      }
      let j = i % period;
      const stop = min(end, i + period - j);
      for (; i + 4 <= stop; i += 4, j += 4) v128.store(y + (<usize>i << 2), apply4(code, v128.load(a + (<usize>i << 2)), v128.load(b + (<usize>j << 2))));
      for (; i < stop; i++, j++) store<f32>(y + (<usize>i << 2), apply1(code, load<f32>(a + (<usize>i << 2)), load<f32>(b + (<usize>j << 2))));
    }
  }
}
export function add(): void {
  each(0);
}
export function sub(): void {
  each(1);
}
export function mul(): void {
  each(2);
}
export function div(): void {
  each(3);
}
