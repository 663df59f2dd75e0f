import { arg, float, nextTask, pointer } from "../wasm/job.as";

// @ts-ignore: decorator
@inline function near(distance: f32, bandwidth: f32): bool {
  return abs(distance / bandwidth) < 0.5;
}
/** The threshold of an entry's feature; an index past the features is held to the last, so that no read leaves them. */
// @ts-ignore: decorator
@inline function thresholdOf(threshold: usize, index: usize, F: u32): f32 {
  return load<f32>(threshold + (<usize>min(load<u32>(index), F - 1) << 2));
}

/** jumpAt(index, pre, threshold, values, n, F): tasks of 8,192 entries */
export function jumpAt(): void {
  const index = pointer(0), pre = pointer(1), threshold = pointer(2), values = pointer(3), n = arg(4), F = <u32>arg(5);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let e = <usize>t * 8192 << 2, end = <usize>min(t * 8192 + 8192, n) << 2; e < end; e += 4) {
      const h = load<f32>(pre + e);
      store<f32>(values + e, h <= thresholdOf(threshold, index + e, F) ? 0 : h);
    }
}

/** jumpSlopes(index, pre, threshold, slopes, preSlopes, thresholdSlopes, n, F, bandwidth): tasks of 8,192 entries */
export function jumpSlopes(): void {
  const index = pointer(0), pre = pointer(1), threshold = pointer(2), slopes = pointer(3), preSlopes = pointer(4), thresholdSlopes = pointer(5), n = arg(6), F = <u32>arg(7), bandwidth = float(8);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let e = <usize>t * 8192 << 2, end = <usize>min(t * 8192 + 8192, n) << 2; e < end; e += 4) {
      const h = load<f32>(pre + e), theta = thresholdOf(threshold, index + e, F), slope = load<f32>(slopes + e);
      store<f32>(preSlopes + e, h <= theta ? 0 : slope);
      store<f32>(thresholdSlopes + e, near(h - theta, bandwidth) ? -(theta / bandwidth) * slope : 0);
    }
}

/** jumpCounts(start, entry, pre, threshold, active, near, F, capacity, B, bandwidth): tasks of 128 features */
export function jumpCounts(): void {
  const start = pointer(0), entry = pointer(1), pre = pointer(2), threshold = pointer(3), active = pointer(4), nearby = pointer(5), F = arg(6), capacity = <u32>arg(7), B = arg(8), bandwidth = float(9);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let f = t * 128, last = min(f + 128, F); f < last; f++) {
      const theta = load<f32>(threshold + (<usize>f << 2));
      let on = 0, close = 0;
      for (let i = load<u32>(start + (<usize>f << 2)), end = min(load<u32>(start + (<usize>f << 2) + 4), capacity); i < end; i++) {
        const h = load<f32>(pre + (<usize>min(load<u32>(entry + (<usize>i << 2)), capacity - 1) << 2));
        if (h <= theta) continue;
        on++;
        close += i32(near(h - theta, bandwidth));
      }
      store<f32>(active + (<usize>f << 2), <f32>(theta < 0 ? B : on));
      store<f32>(nearby + (<usize>f << 2), <f32>(close + (near(-theta, bandwidth) ? B - on : 0)));
    }
}
