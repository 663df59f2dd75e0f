import { arg, nextTask, pointer } from "../wasm/job.as";

/** copyColumns(x, y, N, columns of x, first, columns of y, at, width): y[n, at + i] = x[n, first + i] for i < width, else 0; tasks of 64 rows */
export function copyColumns(): void {
  const N = arg(2), from = <usize>arg(3) << 2, to = <usize>arg(5) << 2, width = <usize>arg(7) << 2;
  const x = pointer(0) + (<usize>arg(4) << 2), y = pointer(1), at = <usize>arg(6) << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * 64, end = min(n + 64, N); n < end; n++) {
      const row = y + <usize>n * to;
      memory.fill(row, 0, at);
      memory.copy(row + at, x + <usize>n * from, width);
      memory.fill(row + at + width, 0, to - at - width);
    }
}
