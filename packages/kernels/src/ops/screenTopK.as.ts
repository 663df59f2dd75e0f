import { arg, nextTask, pointer, scratch } from "../wasm/job.as";
import { max4 } from "../wasm/simd.as";
import { dotsAt } from "./linearAt.as";
import { lower, rounding, screenRows, screenTile } from "./screen.as";
import { topOfRow } from "./topK.as";

// The k largest of relu(x encoderᵀ + bias) of each row, exactly, at the price of integer products (screen.as.ts). What has
// h16 + E below the k-th largest h16 - E cannot be among the k largest h: of the few others, computed in f32, the largest are taken.

/**
 * Rows of x against all panels: tasks of `tile` rows, an even number.
 * screenTopK(x, encoder, bias, rowStart, index, values, redo, wq, lanes, bounds, xq, rows, found, B, D, F, k, tile, capacity)
 *   rows: a row's value is one that k candidates are not below
 *   found: for each row the candidates' h16 - E, their h16 + E, and their features
 */
export function screenTopK(): void {
  const x = pointer(0), encoder = pointer(1), bias = pointer(2), rowStart = pointer(3), index = pointer(4), values = pointer(5), redo = pointer(6), wq = pointer(7), lanes = pointer(8), bounds = pointer(9);
  const xq = pointer(10), rows = pointer(11), found = pointer(12), B = arg(13), D = arg(14), F = arg(15), k = arg(16), tile = arg(17), capacity = arg(18);
  const pairs = (D + 1) >> 1, panel = <usize>pairs << 6, padded = (F + 15) & ~15, both = <usize>pairs << 3, even = (B + 1) & ~1, list = <usize>capacity * 12, column = <usize>even << 2;
  const least = rows, scales = least + column, ofLost = scales + column, ofLength = ofLost + column, counts = ofLength + column, out = scratch(), thresholds = out + 128;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const r0 = t * tile, r1 = min(r0 + tile, even);
    screenRows(x, r0, r1, B, D, bounds, padded >> 4, xq, rows, redo);
    for (let f = 0, w = wq; f < padded; f += 16, w += panel) {
      const lane = lanes + (<usize>f << 2), at = bounds + <usize>(f >> 4) * 12, lostHere = load<f32>(at), lengthHere = load<f32>(at, 4), fixed = rounding(D) * load<f32>(at, 8) + <f32>1e-37;
      for (let r = r0; r < r1; r += 2) {
        const at = <usize>r << 2;
        const e0 = load<f32>(ofLost + at) * lostHere + load<f32>(ofLength + at) * lengthHere + fixed, e1 = load<f32>(ofLost + at, 4) * lostHere + load<f32>(ofLength + at, 4) * lengthHere + fixed;
        store<f32>(thresholds, lower(load<f32>(least + at) - e0));
        store<f32>(thresholds, lower(load<f32>(least + at, 4) - e1), 4);
        const hits = screenTile(xq + <usize>(r >> 1) * both, w, pairs, out, scales + at, thresholds, lane, lane + (<usize>padded << 2));
        if (hits & 0xffff) push(found + <usize>r * list, capacity, out, hits & 0xffff, e0, f, k, least + at, counts + at, redo + at);
        if (hits >>> 16) push(found + <usize>(r + 1) * list, capacity, out + 64, hits >>> 16, e1, f, k, least + at + 4, counts + at + 4, redo + at + 4);
      }
    }
    for (let r = r0; r < min(r1, B); r++) finishRow(x, encoder, bias, rowStart, index, values, redo, least, counts, found, r, D, F, k, capacity);
  }
}

/** Of a row's candidates the k largest, computed in f32. */
export function finishRow(x: usize, encoder: usize, bias: usize, rowStart: usize, index: usize, values: usize, redo: usize, least: usize, counts: usize, found: usize, r: i32, D: i32, F: i32, k: i32, capacity: i32): void {
  const at = <usize>r << 2, h = found + <usize>r * <usize>capacity * 12, features = h + (<usize>capacity << 3);
  store<i32>(rowStart + at, r * k);
  store<i32>(rowStart + at, (r + 1) * k, 4);
  if (load<i32>(redo + at)) return;
  const n = shrink(h, capacity, load<i32>(counts + at), k, least + at, 30, 0);
  dotsAt(x + (<usize>r * D << 2), encoder, bias, features, h, n, D, <u32>F);
  finish(h, features, n, k, index + (<usize>r * k << 2), values + (<usize>r * k << 2));
}

/** New candidates of a row; when they fill its list, those that cannot be among the k largest go. */
export function push(low: usize, capacity: i32, from: usize, hits: i32, error: f32, feature: i32, k: i32, least: usize, count: usize, redo: usize): void {
  const high = low + (<usize>capacity << 2), features = high + (<usize>capacity << 2);
  let n = load<i32>(count);
  for (; hits; hits &= hits - 1, n++) {
    const lane = ctz(hits), h = load<f32>(from + (<usize>lane << 2)), at = <usize>n << 2;
    store<f32>(low + at, lower(h - error));
    store<f32>(high + at, -lower(-h - error));
    store<i32>(features + at, feature + lane);
  }
  if (n > capacity - 16) {
    n = shrink(low, capacity, n, k, least, 14, 4);
    if (n > capacity - 16) n = shrink(low, capacity, n, k, least, 30, 0);
    if (n > capacity - 16) {
      // too many are too close to tell apart
      store<i32>(redo, 1);
      store<f32>(least, Infinity);
      n = 0;
    }
  }
  store<i32>(count, n);
}

/**
 * Keeps the candidates that can be among the k largest: those whose h16 + E is not below some value that the h16 - E of at
 * least k are not below, and of at most `spare` more if `steps` halvings find it. Returns how many.
 */
function shrink(low: usize, capacity: i32, n: i32, k: i32, least: usize, steps: i32, spare: i32): i32 {
  const column = <usize>capacity << 2, end = low + (<usize>n << 2), filled = low + (<usize>((n + 3) & ~3) << 2);
  for (let at = end; at < filled; at += 4) store<f32>(at, <f32>-3e38);
  let largest = f32x4.splat(0);
  for (let at = low; at < filled; at += 16) largest = f32x4.max(largest, v128.load(at));
  let under = load<f32>(least), over = max4(largest);
  if (countFrom(low, filled, under) < k) return n;
  for (let i = 0; i < steps; i++) {
    const middle = (under + over) * <f32>0.5, count = countFrom(low, filled, middle);
    if (count < k) over = middle;
    else {
      under = middle;
      if (count <= k + spare) break;
    }
  }
  let to = low;
  for (let at = low; at < end; at += 4) {
    const l = load<f32>(at), h = load<f32>(at + column), f = load<u32>(at + 2 * column);
    store<f32>(to, l);
    store<f32>(to + column, h);
    store<u32>(to + 2 * column, f);
    to += <usize>i32(h >= under) << 2;
  }
  store<f32>(least, under);
  return <i32>(to - low >> 2);
}
function countFrom(h: usize, end: usize, least: f32): i32 {
  const wanted = f32x4.splat(least);
  let count = i32x4.splat(0); // downwards: true is -1
  for (; h < end; h += 16) count = i32x4.add(count, f32x4.ge(v128.load(h), wanted));
  return -(i32x4.extract_lane(count, 0) + i32x4.extract_lane(count, 1) + i32x4.extract_lane(count, 2) + i32x4.extract_lane(count, 3));
}

/** The k largest of n exact values, features ascending; where fewer are positive, the lowest features of value 0 too. */
function finish(h: usize, features: usize, n: i32, k: i32, index: usize, values: usize): void {
  let m = 0;
  for (let i = 0; i < n; i++) {
    const v = load<f32>(h + (<usize>i << 2)), f = load<u32>(features + (<usize>i << 2));
    store<f32>(h + (<usize>m << 2), v);
    store<u32>(features + (<usize>m << 2), f);
    m += i32(v > 0);
  }
  if (m >= k + 48) {
    topOfRow(h, 0, m, k, index, values);
    for (let i = 0; i < k; i++) store<u32>(index + (<usize>i << 2), load<u32>(features + (<usize>load<u32>(index + (<usize>i << 2)) << 2)));
    return;
  }
  for (; m > k; m--) {
    // the smallest goes, of equal ones the last
    let worst: usize = 0, least = load<f32>(h);
    for (let i: usize = 4; i < <usize>m << 2; i += 4) {
      const v = load<f32>(h + i);
      if (v <= least) {
        least = v;
        worst = i;
      }
    }
    const rest = (<usize>m << 2) - worst - 4;
    memory.copy(h + worst, h + worst + 4, rest);
    memory.copy(features + worst, features + worst + 4, rest);
  }
  for (let e = 0, i = 0, zero = 0; e < k; e++) {
    const f = i < m ? load<i32>(features + (<usize>i << 2)) : i32.MAX_VALUE, take = e - i < k - m && zero < f;
    store<i32>(index + (<usize>e << 2), take ? zero : f);
    store<f32>(values + (<usize>e << 2), take ? 0 : load<f32>(h + (<usize>i << 2)));
    if (take) zero++;
    else {
      i++;
      if (zero == f) zero++;
    }
  }
}
