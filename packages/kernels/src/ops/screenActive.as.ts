import { arg, float, nextTask, pointer, scratch } from "../wasm/job.as";
import { isActive } from "./compact.as";
import { dotsAt } from "./linearAt.as";
import { lower, rounding, screenRows, screenTile } from "./screen.as";

// The pre-activations that are active by `compact`'s rule, exactly, at the price of integer products (screen.as.ts): what has
// h16 + E below the cut cannot be active, and of the few others, computed in f32, those that are stay.

/**
 * Rows of x against all panels: tasks of `tile` rows, an even number.
 * screenActive(x, encoder, bias or 0, threshold or 0, counts, redo, wq, lanes, bounds, xq, rows, found, R, D, F, tile, capacity, whether the threshold has F values, margin, positive)
 *   rows: a row's value is 0
 *   found: for each row the features of its entries, ascending, and their values
 */
export function screenActive(): void {
  const x = pointer(0), encoder = pointer(1), bias = pointer(2), threshold = pointer(3), counts = pointer(4), redo = pointer(5), wq = pointer(6), lanes = pointer(7), bounds = pointer(8), xq = pointer(9), rows = pointer(10), found = pointer(11);
  const R = arg(12), D = arg(13), F = arg(14), tile = arg(15), capacity = arg(16), wide = arg(17), margin = -float(18), positive = arg(19);
  const pairs = (D + 1) >> 1, panel = <usize>pairs << 6, padded = (F + 15) & ~15, both = <usize>pairs << 3, even = (R + 1) & ~1, bytes = <usize>capacity << 3, column = <usize>even << 2;
  const scales = rows + column, ofLost = scales + column, ofLength = ofLost + column, candidates = ofLength + column, out = scratch(), thresholds = out + 128;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const r0 = t * tile, r1 = min(r0 + tile, even);
    screenRows(x, r0, r1, R, D, bounds, padded >> 4, xq, rows, redo);
    for (let f = 0, w = wq; f < padded; f += 16, w += panel) {
      const lane = lanes + (<usize>f << 2), at = bounds + <usize>(f >> 4) * 12, lostHere = load<f32>(at), lengthHere = load<f32>(at, 4), fixed = rounding(D) * load<f32>(at, 8) + <f32>1e-37;
      for (let r = r0; r < r1; r += 2) {
        const at = <usize>r << 2;
        store<f32>(thresholds, lower(load<f32>(rows + at) - (load<f32>(ofLost + at) * lostHere + load<f32>(ofLength + at) * lengthHere + fixed)));
        store<f32>(thresholds, lower(load<f32>(rows + at, 4) - (load<f32>(ofLost + at, 4) * lostHere + load<f32>(ofLength + at, 4) * lengthHere + fixed)), 4);
        const hits = screenTile(xq + <usize>(r >> 1) * both, w, pairs, out, scales + at, thresholds, lane, lane + (<usize>padded << 2));
        if (hits & 0xffff) noteCandidates(found + <usize>r * bytes, capacity, hits & 0xffff, f, rows + at, candidates + at, redo + at);
        if (hits >>> 16) noteCandidates(found + <usize>(r + 1) * bytes, capacity, hits >>> 16, f, rows + at + 4, candidates + at + 4, redo + at + 4);
      }
    }
    for (let r = r0; r < min(r1, R); r++) {
      const at = <usize>r << 2, features = found + <usize>r * bytes, values = features + (<usize>capacity << 2), end = features + (<usize>load<u32>(candidates + at) << 2);
      if (end > features) dotsAt(x + (<usize>r * D << 2), encoder, bias, features, values, <i32>(end - features >> 2), D, <u32>F);
      let to = features;
      for (let from = features; from < end; from += 4) {
        const f = load<i32>(from), v = load<f32>(from + (<usize>capacity << 2));
        store<i32>(to, f);
        store<f32>(to + (<usize>capacity << 2), v);
        to += <usize>i32(isActive(v, threshold, f, wide, margin, positive)) << 2;
      }
      store<i32>(counts + at, <i32>(to - features >> 2));
    }
  }
}

/** New candidates of a row; when its list is full, the row is left to be done otherwise. */
export function noteCandidates(features: usize, capacity: i32, hits: i32, feature: i32, stop: usize, count: usize, redo: usize): void {
  let n = load<i32>(count);
  for (; hits; hits &= hits - 1, n++) store<i32>(features + (<usize>n << 2), feature + ctz(hits));
  if (n > capacity - 16) {
    store<i32>(redo, 1);
    store<f32>(stop, Infinity);
    n = 0;
  }
  store<i32>(count, n);
}

/** takeScreened(index, values, rowStart, redo, found, R, capacity): the entries of each row that was not left go to their places; tasks of 64 rows */
export function takeScreened(): void {
  const index = pointer(0), values = pointer(1), rowStart = pointer(2), redo = pointer(3), found = pointer(4), R = arg(5), capacity = <usize>arg(6) << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 64, last = min(r + 64, R); r < last; r++) {
      const row = <usize>r << 2, from = found + 2 * <usize>r * capacity, to = <usize>load<u32>(rowStart + row) << 2, bytes = (<usize>load<u32>(rowStart + row, 4) << 2) - to;
      if (load<u32>(redo + row)) continue;
      memory.copy(index + to, from, bytes);
      memory.copy(values + to, from + capacity, bytes);
    }
}
