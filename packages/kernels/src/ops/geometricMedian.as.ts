import { arg, float, pointer, nextTask } from "../wasm/job.as";

/** settleInto(guess, settled, next, n, tolerance): one task */
export function settleInto(): void {
  if (nextTask() < 0) return;
  const guess = pointer(0), settled = pointer(1), next = pointer(2), n = arg(3);
  if (load<u32>(settled)) return;
  let moved: f64 = 0;
  for (let o: usize = 0; o < <usize>n << 2; o += 4) {
    const to = load<f32>(next + o), d = <f64>(to - load<f32>(guess + o));
    moved += d * d;
    store<f32>(guess + o, to);
  }
  store<u32>(settled, sqrt(moved) < <f64>float(4) ? 1 : 0);
}
