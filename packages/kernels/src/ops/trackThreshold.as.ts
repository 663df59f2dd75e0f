import { arg, float, nextTask, pointer } from "../wasm/job.as";

/** trackThresholdInto(threshold, least, n, decay, 1 - decay): one task */
export function trackThresholdInto(): void {
  if (nextTask() < 0) return;
  const threshold = pointer(0), least = pointer(1);
  let sum: f64 = 0, count: f64 = 0;
  for (let o: usize = 0, end = <usize>arg(2) << 2; o < end; o += 4) {
    const value = load<f32>(least + o);
    if (!isFinite(value)) continue;
    sum += <f64>value;
    count++;
  }
  if (count == 0) return;
  const mean = <f32>(sum / count), before = load<f32>(threshold);
  store<f32>(threshold, before < 0 ? mean : float(3) * before + float(4) * mean);
}
