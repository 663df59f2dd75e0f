import { arg, nextTask, pointer } from "../wasm/job.as";
import { highHalves, lowHalves, unpackHigh, unpackLow } from "../wasm/simd.as";

/** transpose(x, y, N, D): tasks of 16 columns of x, rows of y; 16 rows of x at a time, so that lines of y are filled at once */
export function transpose(): void {
  const x = pointer(0), y = pointer(1), N = arg(2), D = arg(3), from = <usize>D << 2, to = <usize>N << 2;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const d0 = t * 16, d1 = min(d0 + 16, D);
    for (let n0 = 0; n0 < N; n0 += 16) {
      const n1 = min(n0 + 16, N);
      let d = d0;
      for (; d + 4 <= d1; d += 4) {
        let n = n0;
        for (; n + 4 <= n1; n += 4) {
          const source = x + <usize>n * from + (<usize>d << 2), target = y + <usize>d * to + (<usize>n << 2);
          const r0 = v128.load(source), r1 = v128.load(source + from), r2 = v128.load(source + 2 * from), r3 = v128.load(source + 3 * from);
          const lo01 = unpackLow(r0, r1), hi01 = unpackHigh(r0, r1), lo23 = unpackLow(r2, r3), hi23 = unpackHigh(r2, r3);
          v128.store(target, lowHalves(lo01, lo23));
          v128.store(target + to, highHalves(lo01, lo23));
          v128.store(target + 2 * to, lowHalves(hi01, hi23));
          v128.store(target + 3 * to, highHalves(hi01, hi23));
        }
        for (; n < n1; n++) for (let c = d; c < d + 4; c++) copy(x, y, n, c, from, to);
      }
      for (; d < d1; d++) for (let n = n0; n < n1; n++) copy(x, y, n, d, from, to);
    }
  }
}

// @ts-ignore: decorator
@inline function copy(x: usize, y: usize, n: i32, d: i32, from: usize, to: usize): void {
  store<f32>(y + <usize>d * to + (<usize>n << 2), load<f32>(x + <usize>n * from + (<usize>d << 2)));
}
