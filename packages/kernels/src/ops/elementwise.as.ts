import { arg, nextTask, pointer } from "../wasm/job.as";

// add(a, b, y, n, period): tasks of 8,192 elements; b repeats after `period` elements.
// Each run of equal offset between a and b is one SIMD loop.
// @ts-ignore: decorator
@inline function each(code: i32): void {
  const a = pointer(0), b = pointer(1), y = pointer(2), n = arg(3), period = arg(4);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    while (i < end) {
      let j = i % period;
      const stop = min(end, i + period - j);
      for (; i + 4 <= stop; i += 4, j += 4) {
        const u = v128.load(a + (<usize>i << 2)), v = v128.load(b + (<usize>j << 2));
        v128.store(y + (<usize>i << 2), code == 0 ? f32x4.add(u, v) : code == 1 ? f32x4.sub(u, v) : f32x4.mul(u, v));
      }
      for (; i < stop; i++, j++) {
        const u = load<f32>(a + (<usize>i << 2)), v = load<f32>(b + (<usize>j << 2));
        store<f32>(y + (<usize>i << 2), code == 0 ? u + v : code == 1 ? u - v : u * v);
      }
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
