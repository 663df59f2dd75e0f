import { arg, nextTask, pointer, scratch } from "../wasm/job.as";
import { max4, sum4 } from "../wasm/simd.as";
import { dotsAt } from "./linearAt.as";
import { topOfRow } from "./topK.as";

// The k largest of relu(x encoderᵀ + bias) of each row, exactly, at the price of integer products.
//
// Rows of x and of the encoder are scaled and rounded to int16 vectors of length at most 46,300, so that no sum of their
// products leaves 32 bits (Cauchy and Schwarz), and |h - h16| <= E = |xq| |w - wq| + |x - xq| |w| + roundings. What has h16 + E
// below the k-th largest h16 - E cannot be among the k largest h: the few others are computed in f32, as `linear` would, and
// the largest of them are taken. A row for which this fails (too many are close, or a number is not finite) is left to the
// caller, by its flag.
//
// screen*(x, encoder, bias, rowStart, index, values, redo, wq, lanes, bounds, xq, rows, found, B, D, F, k, tile, capacity)
//   wq: panels of 16 features, a pair of depths after the other, 16 x 2 int16; lanes: a scale and a bias for each of the
//   features, rounded up to 16; bounds: for each panel the largest |w - wq|, |w|, |bias|
//   xq: two rows side by side, a pair of depths after the other
//   rows: for each row the value that k candidates are not below, its scale, what E takes of a panel's first and second
//   bound, and how many candidates it has; found: for each row their h16 - E, their h16 + E, and their features

const LONGEST: f32 = 46300, LARGEST: f32 = 32760;
/** Half a unit in the last place, relative. */
const ROUND: f32 = 5.9604645e-8;

// What `quantize` says of a row.
let step: f32 = 0, length: f32 = 0, quantized: f32 = 0, lost: f32 = 0;

/** n floats as int16 at `to`, zeros up to a multiple of eight: its scale, |v|, |vq| and |v - vq|. */
function quantize(v: usize, n: i32, to: usize): void {
  const bytes = <usize>n << 2, whole = bytes & ~31;
  let most = f32x4.splat(0), squares = most, o: usize = 0;
  for (; o < (bytes & ~15); o += 16) {
    const a = v128.load(v + o);
    most = f32x4.max(most, f32x4.abs(a));
    squares = f32x4.add(squares, f32x4.mul(a, a));
  }
  let largest = max4(most), square = sum4(squares);
  for (; o < bytes; o += 4) {
    const a = load<f32>(v + o);
    largest = max(largest, abs(a));
    square += a * a;
  }
  length = sqrt(square);
  // what is so small that squares of its roundings would vanish is lost as a whole; what is not finite shows in its length
  const inverse = min((LONGEST - sqrt(<f32>n) * <f32>0.5) / length, LARGEST / largest), fits = length > <f32>1e-12;
  step = fits ? <f32>1.0 / inverse : 0;
  const factor = f32x4.splat(fits ? inverse : 0), back = f32x4.splat(step);
  let kept = f32x4.splat(0), gone = kept;
  for (o = 0; o < whole; o += 32) {
    const a = v128.load(v + o), b = v128.load(v + o, 16), qa = f32x4.nearest(f32x4.mul(a, factor)), qb = f32x4.nearest(f32x4.mul(b, factor));
    const va = f32x4.mul(qa, back), vb = f32x4.mul(qb, back), ra = f32x4.sub(a, va), rb = f32x4.sub(b, vb);
    kept = f32x4.add(kept, f32x4.add(f32x4.mul(va, va), f32x4.mul(vb, vb)));
    gone = f32x4.add(gone, f32x4.add(f32x4.mul(ra, ra), f32x4.mul(rb, rb)));
    v128.store(to + (o >> 1), i16x8.narrow_i32x4_s(i32x4.trunc_sat_f32x4_s(qa), i32x4.trunc_sat_f32x4_s(qb)));
  }
  let keptSquare = sum4(kept), goneSquare = sum4(gone);
  if (o < bytes) v128.store(to + (o >> 1), i32x4.splat(0));
  for (; o < bytes; o += 4) {
    const a = load<f32>(v + o), q = nearest(a * (fits ? inverse : 0)), back = q * step;
    keptSquare += back * back;
    goneSquare += (a - back) * (a - back);
    store<i16>(to + (o >> 1), <i16>q);
  }
  quantized = sqrt(keptSquare);
  lost = sqrt(goneSquare);
  if (!fits) lost = length = sqrt(<f32>n) * largest;
}

/** The encoder as int16 panels: tasks of 64 features */
export function screenPack(): void {
  const encoder = pointer(1), bias = pointer(2), wq = pointer(7), lanes = pointer(8), bounds = pointer(9), D = arg(14), F = arg(15);
  const pairs = (D + 1) >> 1, panel = <usize>pairs << 6, padded = (F + 15) & ~15, row = scratch();
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    for (let f = t * 64, end = min(f + 64, padded); f < end; f++) {
      const at = bounds + <usize>(f >> 4) * 12;
      if (!(f & 15)) memory.fill(at, 0, 12);
      const to = wq + <usize>(f >> 4) * panel + (<usize>(f & 15) << 2), lane = lanes + (<usize>f << 2);
      if (f >= F) {
        // no feature: never above a threshold
        for (let p = 0; p < pairs; p++) store<i32>(to + (<usize>p << 6), 0);
        store<f32>(lane, 0);
        store<f32>(lane + (<usize>padded << 2), <f32>-3e38);
        continue;
      }
      quantize(encoder + (<usize>f * D << 2), D, row);
      for (let p = 0; p < pairs; p++) store<i32>(to + (<usize>p << 6), load<i32>(row + (<usize>p << 2)));
      const b = load<f32>(bias + (<usize>f << 2));
      store<f32>(lane, step);
      store<f32>(lane + (<usize>padded << 2), b);
      store<f32>(at, max(load<f32>(at), lost));
      store<f32>(at, max(load<f32>(at, 4), length), 4);
      store<f32>(at, max(load<f32>(at, 8), abs(b)), 8);
    }
  }
}

/** Rows of x against all panels: tasks of `tile` rows, an even number */
export function screenTopK(): void {
  const x = pointer(0), encoder = pointer(1), bias = pointer(2), rowStart = pointer(3), index = pointer(4), values = pointer(5), redo = pointer(6), wq = pointer(7), lanes = pointer(8), bounds = pointer(9);
  const xq = pointer(10), rows = pointer(11), found = pointer(12), B = arg(13), D = arg(14), F = arg(15), k = arg(16), tile = arg(17), capacity = arg(18);
  const pairs = (D + 1) >> 1, panel = <usize>pairs << 6, padded = (F + 15) & ~15, both = <usize>pairs << 3, even = (B + 1) & ~1, list = <usize>capacity * 12, column = <usize>even << 2;
  const least = rows, scales = least + column, ofLost = scales + column, ofLength = ofLost + column, counts = ofLength + column, out = scratch(), thresholds = out + 128;
  // roundings of the f32 sum, and of h16 and the norms, with room to spare
  const rounding = <f32>1.01 * <f32>(D + 16) * ROUND, roomy = <f32>1.0002 + <f32>D * <f32>4 * ROUND;
  let lostMost: f32 = 0, longest: f32 = 0, biasMost: f32 = 0;
  for (let at = bounds, end = bounds + <usize>(padded >> 4) * 12; at < end; at += 12) {
    lostMost = max(lostMost, load<f32>(at));
    longest = max(longest, load<f32>(at, 4));
    biasMost = max(biasMost, load<f32>(at, 8));
  }
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const r0 = t * tile, r1 = min(r0 + tile, even);
    for (let r = r0; r < r1; r++) {
      const at = <usize>r << 2, to = xq + <usize>(r >> 1) * both + (<usize>(r & 1) << 2);
      store<i32>(counts + at, 0);
      if (r < B) quantize(x + (<usize>r * D << 2), D, out);
      for (let p = 0; p < pairs; p++) store<i32>(to + (<usize>p << 3), r < B ? load<i32>(out + (<usize>p << 2)) : 0);
      const first = roomy * quantized, second = roomy * lost + rounding * length, fails = r >= B || !(first * lostMost + second * longest + rounding * biasMost < <f32>1e30);
      store<f32>(scales + at, fails ? 0 : step);
      store<f32>(ofLost + at, fails ? 0 : first);
      store<f32>(ofLength + at, fails ? 0 : second);
      store<f32>(least + at, fails ? Infinity : 0);
      if (r < B) store<i32>(redo + at, i32(fails));
    }
    for (let f = 0, w = wq; f < padded; f += 16, w += panel) {
      const lane = lanes + (<usize>f << 2), at = bounds + <usize>(f >> 4) * 12, lostHere = load<f32>(at), lengthHere = load<f32>(at, 4), fixed = rounding * load<f32>(at, 8) + <f32>1e-37;
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
    for (let r = r0; r < min(r1, B); r++) {
      const at = <usize>r << 2, h = found + <usize>r * list, features = h + (<usize>capacity << 3);
      store<i32>(rowStart + at, r * k);
      store<i32>(rowStart + at, (r + 1) * k, 4);
      if (load<i32>(redo + at)) continue;
      const n = shrink(h, capacity, load<i32>(counts + at), k, least + at, 30, 0);
      dotsAt(x + (<usize>r * D << 2), encoder, bias, features, h, n, D, <u32>F);
      finish(h, features, n, k, index + (<usize>r * k << 2), values + (<usize>r * k << 2));
    }
  }
}

/** 2 rows × 16 features over all depths, and which of the 32 are above their row's threshold; their values go to `c` if any is. */
// Exported so that it is not inlined, and with an exit between two depths, as linearTile is and for the same reason.
export function screenTile(a: usize, b: usize, pairs: i32, c: usize, scale: usize, threshold: usize, step: usize, bias: usize): i32 {
  const end = b + (<usize>pairs << 6);
  let c00 = i32x4.splat(0), c01 = c00, c02 = c00, c03 = c00, c10 = c00, c11 = c00, c12 = c00, c13 = c00;
  do {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const p = v128.load32_splat(a);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(p, b0)); c01 = i32x4.add(c01, i32x4.dot_i16x8_s(p, b1)); c02 = i32x4.add(c02, i32x4.dot_i16x8_s(p, b2)); c03 = i32x4.add(c03, i32x4.dot_i16x8_s(p, b3));
    const q = v128.load32_splat(a, 4);
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(q, b0)); c11 = i32x4.add(c11, i32x4.dot_i16x8_s(q, b1)); c12 = i32x4.add(c12, i32x4.dot_i16x8_s(q, b2)); c13 = i32x4.add(c13, i32x4.dot_i16x8_s(q, b3));
    a += 8; b += 64;
    if (b == end) break;
    const d0 = v128.load(b), d1 = v128.load(b, 16), d2 = v128.load(b, 32), d3 = v128.load(b, 48);
    const r = v128.load32_splat(a);
    c00 = i32x4.add(c00, i32x4.dot_i16x8_s(r, d0)); c01 = i32x4.add(c01, i32x4.dot_i16x8_s(r, d1)); c02 = i32x4.add(c02, i32x4.dot_i16x8_s(r, d2)); c03 = i32x4.add(c03, i32x4.dot_i16x8_s(r, d3));
    const s = v128.load32_splat(a, 4);
    c10 = i32x4.add(c10, i32x4.dot_i16x8_s(s, d0)); c11 = i32x4.add(c11, i32x4.dot_i16x8_s(s, d1)); c12 = i32x4.add(c12, i32x4.dot_i16x8_s(s, d2)); c13 = i32x4.add(c13, i32x4.dot_i16x8_s(s, d3));
    a += 8; b += 64;
  } while (b != end);
  const s0 = v128.load32_splat(scale), s1 = v128.load32_splat(scale, 4), t0 = v128.load32_splat(threshold), t1 = v128.load32_splat(threshold, 4);
  const h00 = value(c00, s0, step, bias, 0), h01 = value(c01, s0, step, bias, 16), h02 = value(c02, s0, step, bias, 32), h03 = value(c03, s0, step, bias, 48);
  const h10 = value(c10, s1, step, bias, 0), h11 = value(c11, s1, step, bias, 16), h12 = value(c12, s1, step, bias, 32), h13 = value(c13, s1, step, bias, 48);
  const g00 = f32x4.gt(h00, t0), g01 = f32x4.gt(h01, t0), g02 = f32x4.gt(h02, t0), g03 = f32x4.gt(h03, t0), g10 = f32x4.gt(h10, t1), g11 = f32x4.gt(h11, t1), g12 = f32x4.gt(h12, t1), g13 = f32x4.gt(h13, t1);
  if (!v128.any_true(v128.or(v128.or(v128.or(g00, g01), v128.or(g02, g03)), v128.or(v128.or(g10, g11), v128.or(g12, g13))))) return 0;
  v128.store(c, h00); v128.store(c, h01, 16); v128.store(c, h02, 32); v128.store(c, h03, 48);
  v128.store(c, h10, 64); v128.store(c, h11, 80); v128.store(c, h12, 96); v128.store(c, h13, 112);
  return bitsOf(g00, g01, g02, g03) | bitsOf(g10, g11, g12, g13) << 16;
}
// @ts-ignore: decorator
@inline function value(sums: v128, scale: v128, step: usize, bias: usize, lane: usize): v128 {
  return f32x4.add(v128.load(bias + lane), f32x4.mul(f32x4.mul(scale, v128.load(step + lane)), f32x4.convert_i32x4_s(sums)));
}
/** 16 comparisons as bits: narrowing keeps -1 and 0. */
// @ts-ignore: decorator
@inline function bitsOf(a: v128, b: v128, c: v128, d: v128): i32 {
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** A little less: comparisons are strict, and a difference is rounded. */
// @ts-ignore: decorator
@inline function lower(v: f32): f32 {
  return v - abs(v) * (4 * ROUND) - <f32>1e-37;
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
