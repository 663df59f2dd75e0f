import { arg, nextTask, pointer } from "../wasm/job.as";
import { rowSum } from "./reduceRows.as";

/** sumBlocks(x, y, n): a task a block of 4,096 elements */
export function sumBlocks(): void {
  const x = pointer(0), y = pointer(1), n = arg(2);
  for (let t = nextTask(); t >= 0; t = nextTask()) store<f32>(y + (<usize>t << 2), <f32>rowSum(x + (<usize>t << 14), min(4096, n - t * 4096)));
}

/** sumColumns(x, y, N, D): tasks of 32 columns; runs of 256 rows, then their sums, so that errors grow little with N */
export function sumColumns(): void {
  const x = pointer(0), y = pointer(1), N = arg(2), D = arg(3), row = <usize>D << 2;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const d = t * 32, end = min(d + 32, D);
    memory.fill(y + (<usize>d << 2), 0, <usize>(end - d) << 2);
    for (let n = 0; n < N; n += 256) {
      const rows = min(256, N - n), from = x + <usize>n * row;
      let c = d;
      for (; c + 16 <= end; c += 16) {
        let a = f32x4.splat(0), b = a, e = a, f = a, at = from + (<usize>c << 2);
        for (let r = 0; r < rows; r++, at += row) {
          a = f32x4.add(a, v128.load(at));
          b = f32x4.add(b, v128.load(at, 16));
          e = f32x4.add(e, v128.load(at, 32));
          f = f32x4.add(f, v128.load(at, 48));
        }
        const out = y + (<usize>c << 2);
        v128.store(out, f32x4.add(v128.load(out), a));
        v128.store(out, f32x4.add(v128.load(out, 16), b), 16);
        v128.store(out, f32x4.add(v128.load(out, 32), e), 32);
        v128.store(out, f32x4.add(v128.load(out, 48), f), 48);
      }
      for (; c < end; c++) {
        let s: f32 = 0, at = from + (<usize>c << 2);
        for (let r = 0; r < rows; r++, at += row) s += load<f32>(at);
        const out = y + (<usize>c << 2);
        store<f32>(out, load<f32>(out) + s);
      }
    }
  }
}
