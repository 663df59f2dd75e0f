import { arg, nextTask, pointer } from "../wasm/job.as";
import { exp4 } from "../wasm/simd.as";
import { rowMax, rowSum } from "./reduceRows.as";

/** softmax(x, y, N, V): a task a row */
export function softmax(): void {
  const x = pointer(0), y = pointer(1), V = arg(3);
  for (let n = nextTask(); n >= 0; n = nextTask()) {
    const row = x + (<usize>n * V << 2), out = y + (<usize>n * V << 2), top = rowMax(row, V), top4 = f32x4.splat(top);
    let i = 0;
    for (; i + 4 <= V; i += 4) v128.store(out + (<usize>i << 2), exp4(f32x4.sub(v128.load(row + (<usize>i << 2)), top4)));
    for (; i < V; i++) store<f32>(out + (<usize>i << 2), f32x4.extract_lane(exp4(f32x4.splat(load<f32>(row + (<usize>i << 2)) - top)), 0));
    const whole = <f32>rowSum(out, V), whole4 = f32x4.splat(whole);
    for (i = 0; i + 4 <= V; i += 4) v128.store(out + (<usize>i << 2), f32x4.div(v128.load(out + (<usize>i << 2)), whole4));
    for (; i < V; i++) store<f32>(out + (<usize>i << 2), load<f32>(out + (<usize>i << 2)) / whole);
  }
}
