import { arg, float, nextTask, pointer } from "../wasm/job.as";

/** repeat(x, y, n, period, inner, factor): y[i] = factor * x[i / inner % period]; tasks of 8,192 elements */
export function repeat(): void {
  const x = pointer(0), y = pointer(1), n = arg(2), period = arg(3), inner = arg(4), factor = float(5), factor4 = f32x4.splat(factor);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    while (i < end) {
      if (inner > 1) {
        const group = i / inner, stop = min(end, (group + 1) * inner), v = factor * load<f32>(x + (<usize>(group % period) << 2)), v4 = f32x4.splat(v);
        for (; i + 4 <= stop; i += 4) v128.store(y + (<usize>i << 2), v4);
        for (; i < stop; i++) store<f32>(y + (<usize>i << 2), v);
      } else {
        let j = i % period;
        const stop = min(end, i + period - j);
        for (; i + 4 <= stop; i += 4, j += 4) v128.store(y + (<usize>i << 2), f32x4.mul(factor4, v128.load(x + (<usize>j << 2))));
        for (; i < stop; i++, j++) store<f32>(y + (<usize>i << 2), factor * load<f32>(x + (<usize>j << 2)));
      }
    }
  }
}
