import { arg, nextTask, pointer } from "../wasm/job.as";
import { exp4, sum4 } from "../wasm/simd.as";
import { rowMax } from "./reduceRows.as";

/** crossEntropy(logits, targets, y, N, V): a task a row; sums in runs of 256, those in f64 */
export function crossEntropy(): void {
  const logits = pointer(0), targets = pointer(1), y = pointer(2), V = arg(4);
  for (let n = nextTask(); n >= 0; n = nextTask()) {
    const row = logits + (<usize>n * V << 2), target = load<u32>(targets + (<usize>n << 2)), out = y + (<usize>n << 2);
    if (target >= <u32>V) {
      store<f32>(out, <f32>NaN);
      continue;
    }
    const largest = rowMax(row, V), largest4 = f32x4.splat(largest);
    let sum: f64 = 0;
    for (let i = 0; i < V; ) {
      let s = f32x4.splat(0);
      const end = min(V, i + 256);
      for (; i + 4 <= end; i += 4) s = f32x4.add(s, exp4(f32x4.sub(v128.load(row + (<usize>i << 2)), largest4)));
      sum += sum4(s);
      for (; i < end; i++) sum += f32x4.extract_lane(exp4(f32x4.splat(load<f32>(row + (<usize>i << 2)) - largest)), 0);
    }
    store<f32>(out, <f32>(Math.log(sum) + (<f64>largest - load<f32>(row + (<usize>target << 2)))));
  }
}

/** takeTargetInto(slope, targets, N, V): slope[n, targets[n]] -= 1; one task */
export function takeTargetInto(): void {
  if (nextTask() < 0) return;
  const slope = pointer(0), targets = pointer(1), N = arg(2), V = arg(3);
  for (let n = 0; n < N; n++) {
    const target = load<u32>(targets + (<usize>n << 2)), row = slope + (<usize>n * V << 2), at = row + (<usize>target << 2);
    if (target < <u32>V) store<f32>(at, load<f32>(at) - 1);
    else if (V) store<f32>(row, <f32>NaN);
  }
}
