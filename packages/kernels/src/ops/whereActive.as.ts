import { arg, nextTask, pointer } from "../wasm/job.as";

/** whereActive(x, slopes, y, n): tasks of 8,192 elements */
export function whereActive(): void {
  const x = pointer(0), slopes = pointer(1), y = pointer(2), n = arg(3);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const end = <usize>min(t * 8192 + 8192, n) << 2, whole = end & ~15;
    let i = <usize>t * 8192 << 2;
    for (; i < whole; i += 16) v128.store(y + i, v128.andnot(v128.load(slopes + i), f32x4.le(v128.load(x + i), f32x4.splat(0))));
    for (; i < end; i += 4) store<u32>(y + i, load<f32>(x + i) <= 0 ? 0 : load<u32>(slopes + i));
  }
}
