import { arg, float, nextTask, pointer, scratch } from "../wasm/job.as";
import { isActive } from "./compact.as";
import { lower, rounding, screenRows, screenTile } from "./screen.as";

// The pre-activations that are active by `compact`'s rule, exactly, at the price of integer products (screen.as.ts): what has
// h16 + E below the cut cannot be active, and of the few others, computed in f32, those that are stay.

/**
 * Rows of x against all panels: tasks of `tile` rows, an even number.
 * screenActive(x, counts, redo, wq, lanes, bounds, xq, rows, found, R, D, F, tile, capacity)
 *   rows: a row's value is 0
 *   found: for each row its candidates, the features that are not excluded, ascending; counts: how many
 */
export function screenActive(): void {
  const x = pointer(0), counts = pointer(1), redo = pointer(2), wq = pointer(3), lanes = pointer(4), bounds = pointer(5), xq = pointer(6), rows = pointer(7), found = pointer(8), R = arg(9), D = arg(10), F = arg(11), tile = arg(12), capacity = arg(13);
  const pairs = (D + 1) >> 1, panel = <usize>pairs << 6, padded = (F + 15) & ~15, both = <usize>pairs << 3, even = (R + 1) & ~1, bytes = <usize>capacity << 2, column = <usize>even << 2;
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
    for (let r = <usize>r0 << 2, end = <usize>min(r1, R) << 2; r < end; r += 4) store<u32>(counts + r, load<u32>(candidates + r));
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

/** takeCandidates(index, rowStart, found, R, capacity): those of each row to their place; tasks of 64 rows */
export function takeCandidates(): void {
  const index = pointer(0), rowStart = pointer(1), found = pointer(2), R = arg(3), list = <usize>arg(4) << 2;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 64, last = min(r + 64, R); r < last; r++) {
      const to = <usize>load<u32>(rowStart + (<usize>r << 2)) << 2;
      memory.copy(index + to, found + <usize>r * list, (<usize>load<u32>(rowStart + (<usize>r << 2) + 4) << 2) - to);
    }
}

/** keepActive(index, values, rowStart, counts, threshold or 0, R, whether it has F values, margin, positive): the active entries of each row to its front, and how many they are; tasks of 64 rows */
export function keepActive(): void {
  const index = pointer(0), values = pointer(1), rowStart = pointer(2), counts = pointer(3), threshold = pointer(4), R = arg(5), wide = arg(6), least = -float(7), positive = arg(8);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 64, last = min(r + 64, R); r < last; r++) {
      const first = <usize>load<u32>(rowStart + (<usize>r << 2)) << 2, end = <usize>load<u32>(rowStart + (<usize>r << 2) + 4) << 2;
      let to = first;
      for (let e = first; e < end; e += 4) {
        const f = load<i32>(index + e), v = load<f32>(values + e);
        store<i32>(index + to, f);
        store<f32>(values + to, v);
        to += <usize>i32(isActive(v, threshold, f, wide, least, positive)) << 2;
      }
      store<i32>(counts + (<usize>r << 2), <i32>(to - first >> 2));
    }
}

/** takeRows(index, values, rowStart, fromIndex, fromValues, fromStart, counts, R): counts[r] entries from each row's old place to its new one; tasks of 64 rows */
export function takeRows(): void {
  const index = pointer(0), values = pointer(1), rowStart = pointer(2), fromIndex = pointer(3), fromValues = pointer(4), fromStart = pointer(5), counts = pointer(6), R = arg(7);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 64, last = min(r + 64, R); r < last; r++) {
      const row = <usize>r << 2, to = <usize>load<u32>(rowStart + row) << 2, from = <usize>load<u32>(fromStart + row) << 2, bytes = <usize>load<u32>(counts + row) << 2;
      memory.copy(index + to, fromIndex + from, bytes);
      memory.copy(values + to, fromValues + from, bytes);
    }
}
