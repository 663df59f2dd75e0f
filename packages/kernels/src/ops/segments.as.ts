import { arg, nextTask, pointer } from "../wasm/job.as";
import { copyFloats } from "../wasm/simd.as";

// segmentMean(x, start, y, N, D): task t is part t % parts of the columns (512 a part) of segment t / parts
// @ts-ignore: decorator
@inline function each(code: i32): void {
  const x = pointer(0), start = pointer(1), y = pointer(2), N = <u32>arg(3), D = arg(4), parts = (D + 511) / 512;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const r = t / parts, column = t % parts * 512, n = min(512, D - column);
    const from = load<u32>(start + (<usize>r << 2)), to = min(load<u32>(start + (<usize>r << 2) + 4), N);
    const out = y + ((<usize>r * D + column) << 2);
    if (from >= to) {
      memory.fill(out, 0, <usize>n << 2);
      continue;
    }
    let row = x + ((<usize>(code == 2 ? to - 1 : from) * D + column) << 2);
    copyFloats(out, row, n);
    if (code == 2) continue;
    for (let left = to - from - 1; left; left--) {
      row += <usize>D << 2;
      let i = 0;
      for (; i + 4 <= n; i += 4) {
        const o = <usize>i << 2, a = v128.load(out + o), b = v128.load(row + o);
        v128.store(out + o, code == 0 ? f32x4.add(a, b) : f32x4.max(a, b));
      }
      for (; i < n; i++) {
        const o = <usize>i << 2, a = load<f32>(out + o), b = load<f32>(row + o);
        store<f32>(out + o, code == 0 ? a + b : max(a, b));
      }
    }
    if (code == 0) for (let o: usize = 0; o < <usize>n << 2; o += 4) store<f32>(out + o, load<f32>(out + o) / <f32>(to - from));
  }
}
export function segmentMean(): void {
  each(0);
}
export function segmentMax(): void {
  each(1);
}
export function segmentLast(): void {
  each(2);
}
