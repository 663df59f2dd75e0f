import { arg, float, nextTask, pointer, scratch } from "../wasm/job.as";
import { highHalves, lowHalves, max4, sum4, unpackHigh, unpackLow } from "../wasm/simd.as";

// Pre-activations h = x encoderᵀ + bias in integers, and how far off they can be.
//
// Rows of x and of the encoder are scaled and rounded to int16 vectors of length at most 46,300, so that no sum of their
// products leaves 32 bits (Cauchy and Schwarz), and |h - h16| <= E = |xq| |w - wq| + |x - xq| |w| + roundings. So integers tell
// which features can't matter to a row; the few others are computed in f32, as `linear` would.
//
// What the kernels share:
//   wq: panels of 16 features, a pair of depths after the other, 16 x 2 int16
//   lanes: a scale and an offset for each of the features, rounded up to 16: bias - cut, so that h16 is what h has above the cut
//   bounds: for each panel the largest |w - wq|, |w|, |bias| + |cut|
//   xq: two rows side by side, a pair of depths after the other
//   rows: for each row, rounded up to an even number: a value that decides what is a hit (Infinity: nothing more of this row),
//   its scale, what E takes of a panel's first and second bound, and how many candidates it has
//   redo: for each row whether this fails: too many are close, or a number is not finite. The caller sees to it.

const LONGEST: f32 = 46300, LARGEST: f32 = 32760;
/** Half a unit in the last place, relative. */
const ROUND: f32 = 5.9604645e-8;

// What `quantize` says of a row.
let step: f32 = 0, length: f32 = 0, quantized: f32 = 0, lost: f32 = 0;

/** n floats as int16 at `to`, zeros up to a multiple of eight: its scale, |v|, |vq| and |v - vq|. */
function quantize(v: usize, n: i32, to: usize): void {
  const bytes = <usize>n << 2, whole = bytes & ~31;
  let most = f32x4.splat(0), squares = most, more = most, o: usize = 0;
  for (; o < whole; o += 32) {
    const a = v128.load(v + o), b = v128.load(v + o, 16);
    most = f32x4.max(most, f32x4.max(f32x4.abs(a), f32x4.abs(b)));
    squares = f32x4.add(squares, f32x4.mul(a, a));
    more = f32x4.add(more, f32x4.mul(b, b));
  }
  let largest = max4(most), square = sum4(f32x4.add(squares, more));
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

/**
 * The encoder as int16 panels: tasks of 64 features.
 * screenPack(encoder, bias or 0, threshold or 0, wq, lanes, bounds, D, F, whether the threshold has F values, margin, positive):
 * with a threshold the cut is threshold - margin, and at least 0 if `positive`; without one it is 0
 */
export function screenPack(): void {
  const encoder = pointer(0), bias = pointer(1), threshold = pointer(2), wq = pointer(3), lanes = pointer(4), bounds = pointer(5), D = arg(6), F = arg(7), wide = arg(8), margin = float(9), positive = arg(10);
  const pairs = (D + 1) >> 1, panel = <usize>pairs << 6, padded = (F + 15) & ~15, rows = scratch(), row = <usize>((D + 7) & ~7) << 1;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    for (let f = t * 64, end = min(f + 64, padded); f < end; f++) {
      const at = bounds + <usize>(f >> 4) * 12, lane = lanes + (<usize>f << 2), mine = rows + <usize>(f & 3) * row;
      if (!(f & 15)) memory.fill(at, 0, 12);
      if (f < F) {
        quantize(encoder + (<usize>f * D << 2), D, mine);
        const b = bias ? load<f32>(bias + (<usize>f << 2)) : 0, cut = threshold ? cutOf(load<f32>(threshold + (<usize>(f * wide) << 2)), margin, positive) : 0;
        store<f32>(lane, step);
        store<f32>(lane + (<usize>padded << 2), b - cut);
        store<f32>(at, max(load<f32>(at), lost));
        store<f32>(at, max(load<f32>(at, 4), length), 4);
        store<f32>(at, max(load<f32>(at, 8), abs(b) + abs(cut)), 8);
      } else {
        // no feature: never a hit
        memory.fill(mine, 0, row);
        store<f32>(lane, 0);
        store<f32>(lane + (<usize>padded << 2), <f32>-3e38);
      }
      if ((f & 3) == 3) besides(rows, row, wq + <usize>(f >> 4) * panel + (<usize>(f & 12) << 2), pairs);
    }
  }
}
/** Four rows, of multiples of four pairs, side by side: a pair of depths of each, then the next. */
function besides(rows: usize, row: usize, to: usize, pairs: i32): void {
  for (let p = 0; p < pairs; p += 4, rows += 16, to += 256) {
    const a = v128.load(rows), b = v128.load(rows + row), c = v128.load(rows + 2 * row), d = v128.load(rows + 3 * row);
    const ab = unpackLow(a, b), cd = unpackLow(c, d), AB = unpackHigh(a, b), CD = unpackHigh(c, d);
    v128.store(to, lowHalves(ab, cd));
    if (p + 1 < pairs) v128.store(to, highHalves(ab, cd), 64);
    if (p + 2 < pairs) v128.store(to, lowHalves(AB, CD), 128);
    if (p + 3 < pairs) v128.store(to, highHalves(AB, CD), 192);
  }
}
/** What is not above this is not active by `compact`'s rule. */
export function cutOf(threshold: f32, margin: f32, positive: i32): f32 {
  const cut = threshold - margin - (abs(threshold) + margin) * (4 * ROUND) - <f32>1e-37; // there v - threshold is rounded
  return positive ? max(cut, 0) : cut;
}

/** The largest of a panel's bounds, of all panels, whose bounds take so many bytes. */
export function mostOf(bounds: usize, panels: i32, bytes: i32): f32 {
  let most: f32 = 0;
  for (let at = bounds, end = bounds + <usize>(panels * bytes); at < end; at += bytes) most = max(most, load<f32>(at));
  return most;
}

/** How much of the lengths and the bias roundings take: of the f32 sums, of h16 and of the norms, with room to spare. */
// @ts-ignore: decorator
@inline export function rounding(D: i32): f32 {
  return <f32>1.01 * <f32>(D + 16) * ROUND;
}

/** Rows r0 to r1 of x, of B, as integers with their place in `rows`; a row for which E is no use is flagged, and stopped. */
export function screenRows(x: usize, r0: i32, r1: i32, B: i32, D: i32, bounds: usize, panels: i32, xq: usize, rows: usize, redo: usize): void {
  const pairs = (D + 1) >> 1, both = <usize>pairs << 3, column = <usize>((B + 1) & ~1) << 2, row = scratch();
  const lostMost = mostOf(bounds, panels, 12), longest = mostOf(bounds + 4, panels, 12), fixed = rounding(D) * mostOf(bounds + 8, panels, 12), roomy = <f32>1.0002 + <f32>D * <f32>4 * ROUND;
  for (let r = r0; r < r1; r++) {
    const at = rows + (<usize>r << 2), to = xq + <usize>(r >> 1) * both + (<usize>(r & 1) << 2);
    if (r < B) quantize(x + (<usize>r * D << 2), D, row);
    for (let p = 0; p < pairs; p++) store<i32>(to + (<usize>p << 3), r < B ? load<i32>(row + (<usize>p << 2)) : 0);
    const first = roomy * quantized, second = roomy * lost + rounding(D) * length, fails = r >= B || !(first * lostMost + second * longest + fixed < <f32>1e30);
    store<f32>(at, fails ? Infinity : 0);
    store<f32>(at + column, fails ? 0 : step);
    store<f32>(at + 2 * column, fails ? 0 : first);
    store<f32>(at + 3 * column, fails ? 0 : second);
    store<i32>(at + 4 * column, 0);
    if (r < B) store<i32>(redo + (<usize>r << 2), i32(fails));
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
@inline export function lower(v: f32): f32 {
  return v - abs(v) * (4 * ROUND) - <f32>1e-37;
}
