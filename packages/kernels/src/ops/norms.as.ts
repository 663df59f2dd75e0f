import { arg, float, nextTask, pointer } from "../wasm/job.as";
import { dot, sum4 } from "../wasm/simd.as";

/** Sum of n squares: runs of 256 in f32, four lanes each, those in f64. */
function squares(x: usize, n: i32): f64 {
  let sum: f64 = 0;
  for (let i = 0; i < n; ) {
    let s = f32x4.splat(0);
    const end = min(n, i + 256);
    for (; i + 4 <= end; i += 4) {
      const v = v128.load(x + (<usize>i << 2));
      s = f32x4.add(s, f32x4.mul(v, v));
    }
    let part = sum4(s);
    for (; i < end; i++) {
      const v = load<f32>(x + (<usize>i << 2));
      part += v * v;
    }
    sum += part;
  }
  return sum;
}

/** squareBlocks(x, y, n): a task a block of 4,096 elements */
export function squareBlocks(): void {
  const x = pointer(0), y = pointer(1), n = arg(2);
  for (let t = nextTask(); t >= 0; t = nextTask()) store<f32>(y + (<usize>t << 2), <f32>squares(x + (<usize>t << 14), min(4096, n - t * 4096)));
}

/** normRows(x, y, N, D, rows): tasks of `rows` rows */
export function normRows(): void {
  const x = pointer(0), y = pointer(1), N = arg(2), D = arg(3), rows = arg(4);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * rows, end = min(n + rows, N); n < end; n++) store<f32>(y + (<usize>n << 2), <f32>sqrt(squares(x + (<usize>n * D << 2), D)));
}

/** normaliseRowsInto(x, N, D, rows, epsilon): tasks of `rows` rows */
export function normaliseRowsInto(): void {
  const x = pointer(0), N = arg(1), D = arg(2), rows = arg(3), epsilon = float(4);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * rows, end = min(n + rows, N); n < end; n++) {
      const row = x + (<usize>n * D << 2), norm = <f32>sqrt(squares(row, D)) + epsilon;
      if (norm != 0) divide(row, D, norm);
    }
}

function divide(x: usize, n: i32, by: f32): void {
  const by4 = f32x4.splat(by);
  let i = 0;
  for (; i + 4 <= n; i += 4) v128.store(x + (<usize>i << 2), f32x4.div(v128.load(x + (<usize>i << 2)), by4));
  for (; i < n; i++) store<f32>(x + (<usize>i << 2), load<f32>(x + (<usize>i << 2)) / by);
}

/** removeParallelInto(gradient, direction, N, D, rows, epsilon): tasks of `rows` rows */
export function removeParallelInto(): void {
  const g = pointer(0), d = pointer(1), N = arg(2), D = arg(3), rows = arg(4), epsilon = float(5);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * rows, end = min(n + rows, N); n < end; n++) {
      const row = <usize>n * D << 2, norm = <f32>sqrt(squares(d + row, D)) + epsilon;
      if (norm == 0) continue;
      const along = dot(g + row, d + row, D) / norm / norm, along4 = f32x4.splat(along);
      let i = 0;
      for (; i + 4 <= D; i += 4) {
        const o = row + (<usize>i << 2);
        v128.store(g + o, f32x4.sub(v128.load(g + o), f32x4.mul(along4, v128.load(d + o))));
      }
      for (; i < D; i++) {
        const o = row + (<usize>i << 2);
        store<f32>(g + o, load<f32>(g + o) - along * load<f32>(d + o));
      }
    }
}

/** clipInto(x, squares, n, max): x *= min(1, max / (√squares + 1e-6)); tasks of 8,192 elements */
export function clipInto(): void {
  const x = pointer(0), n = arg(2), factor = float(3) / (sqrt(load<f32>(pointer(1))) + <f32>1e-6), factor4 = f32x4.splat(factor);
  if (factor >= 1) return; // a NaN goes on, and shows
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let i = t * 8192;
    const end = min(i + 8192, n);
    for (; i + 4 <= end; i += 4) v128.store(x + (<usize>i << 2), f32x4.mul(v128.load(x + (<usize>i << 2)), factor4));
    for (; i < end; i++) store<f32>(x + (<usize>i << 2), load<f32>(x + (<usize>i << 2)) * factor);
  }
}
