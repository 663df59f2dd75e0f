import { arg, nextTask, pointer } from "../wasm/job.as";

/** firedFeatures(where nnz stands, index, values, fired, capacity, F, positive): one task */
export function firedFeatures(): void {
  const index = pointer(1), values = pointer(2), fired = pointer(3), F = <u32>arg(5), positive = arg(6);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    memory.fill(fired, 0, <usize>F << 2);
    for (let e: usize = 0, end = <usize>min(load<u32>(pointer(0)), <u32>arg(4)) << 2; e < end; e += 4)
      if (!positive || load<f32>(values + e) > 0) store<u32>(fired + (<usize>min(load<u32>(index + e), F - 1) << 2), 1);
  }
}

/** trackFiredInto(counters, fired, F, n): tasks of 8,192 features */
export function trackFiredInto(): void {
  const counters = pointer(0), fired = pointer(1), F = arg(2), n = <u32>arg(3);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let f = <usize>t * 8192 << 2, end = <usize>min(t * 8192 + 8192, F) << 2; f < end; f += 4) {
      const counter = load<u32>(counters + f);
      store<u32>(counters + f, load<u32>(fired + f) ? 0 : counter + min(n, u32.MAX_VALUE - counter));
    }
}

/** atLeast(counters, mask, F, least): tasks of 8,192 features */
export function atLeast(): void {
  const counters = pointer(0), mask = pointer(1), F = arg(2), least = <u32>arg(3);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let f = <usize>t * 8192 << 2, end = <usize>min(t * 8192 + 8192, F) << 2; f < end; f += 4) store<u32>(mask + f, u32(load<u32>(counters + f) >= least));
}
