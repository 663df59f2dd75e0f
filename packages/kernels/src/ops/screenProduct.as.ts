import { arg, float, nextTask, pointer } from "../wasm/job.as";
import { sum4 } from "../wasm/simd.as";
import { cutOf, lower, mostOf, rounding } from "./screen.as";
import { noteCandidates } from "./screenActive.as";
import { finishRow, push } from "./screenTopK.as";

// Pre-activations by an engine's product h, whose sums were added in an order of its own, and how far they can be from `linear`'s:
// both are within (D + 2) roundings of |x| |w| + |bias| of the truth, in whatever order, fused or not (Higham 2002, §3.1 and 3.5),
// so E is twice that. From there on it is as with integers (screen.as.ts); what E takes here:
//   bounds: for each panel of 16 features the largest |w| and |bias| + |cut|
//   rows: for each row a value that decides what is a hit (Infinity: nothing more of this row), and what E takes of a panel's first bound
//   counts: how many candidates it has

/** The roundings of both sums. */
// @ts-ignore: decorator
@inline function twice(D: i32): f32 {
  return <f32>2 * rounding(D);
}

/** |v|, of n floats. */
function lengthOf(v: usize, n: i32): f32 {
  const bytes = <usize>n << 2, whole = bytes & ~31;
  let squares = f32x4.splat(0), more = squares, o: usize = 0;
  for (; o < whole; o += 32) {
    const a = v128.load(v + o), b = v128.load(v + o, 16);
    squares = f32x4.add(squares, f32x4.mul(a, a));
    more = f32x4.add(more, f32x4.mul(b, b));
  }
  let square = sum4(f32x4.add(squares, more)), largest: f32 = 0;
  for (; o < bytes; o += 4) {
    const a = load<f32>(v + o);
    square += a * a;
  }
  if (square > <f32>1e-24) return sqrt(square);
  for (o = 0; o < bytes; o += 4) largest = max(largest, abs(load<f32>(v + o))); // squares vanish
  return sqrt(<f32>n) * largest;
}

/**
 * productBounds(encoder, bias or 0, threshold or 0, cuts, bounds, D, F, whether the threshold has F values, margin, positive): tasks of 64 features
 *   cuts: what is not above its feature's is not active, as in screenPack; there are a multiple of 16
 */
export function productBounds(): void {
  const encoder = pointer(0), bias = pointer(1), threshold = pointer(2), cuts = pointer(3), bounds = pointer(4), D = arg(5), F = arg(6), wide = arg(7), margin = float(8), positive = arg(9);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    for (let f = t * 64, end = min(f + 64, (F + 15) & ~15); f < end; f++) {
      const at = bounds + (<usize>(f >> 4) << 3);
      if (!(f & 15)) memory.fill(at, 0, 8);
      const cut = threshold && f < F ? cutOf(load<f32>(threshold + (<usize>(f * wide) << 2)), margin, positive) : 0;
      store<f32>(cuts + (<usize>f << 2), cut);
      if (f >= F) continue;
      store<f32>(at, max(load<f32>(at), lengthOf(encoder + (<usize>f * D << 2), D)));
      store<f32>(at, max(load<f32>(at, 4), (bias ? abs(load<f32>(bias + (<usize>f << 2))) : 0) + abs(cut)), 4);
    }
  }
}

/** A row's place in `rows`, before its first product; one for which E is no use is flagged, and stopped. */
// @ts-ignore: decorator
@inline function begin(x: usize, D: i32, longest: f32, fixed: f32, at: usize, column: usize, count: usize, redo: usize): void {
  const length = lengthOf(x, D), fails = !(length * longest + fixed < <f32>1e30);
  store<f32>(at, fails ? Infinity : 0);
  store<f32>(at + column, fails ? 0 : twice(D) * length);
  store<i32>(count, 0);
  store<i32>(redo, i32(fails));
}

/** E of a row and a panel; what is too small for a normal number may be lost. */
// @ts-ignore: decorator
@inline function errorOf(ofLength: f32, bound: usize, D: i32): f32 {
  return ofLength * load<f32>(bound) + twice(D) * load<f32>(bound, 4) + <f32>(D + 16) * <f32>1e-37;
}

/**
 * Products of some features: what of them can be among the k largest of its row, or where k is 0 can be active. Tasks of `tile` rows.
 * noteProducts(h, x, cuts, bounds, rows, counts, redo, found, R, D, F, first row, its end, first feature, how many, k, tile, capacity)
 *   h: [rows, features] and 15 numbers more; x of the first row on; found as in screenTopK, or as in screenActive
 */
export function noteProducts(): void {
  const h = pointer(0), x = pointer(1), cuts = pointer(2), bounds = pointer(3), rows = pointer(4), counts = pointer(5), redo = pointer(6), found = pointer(7), R = arg(8), D = arg(9), F = arg(10), start = arg(11), stop = arg(12), feature = arg(13), width = arg(14), k = arg(15), tile = arg(16), capacity = arg(17);
  const column = <usize>R << 2, list = <usize>capacity * (k ? 12 : 4), panels = (F + 15) >> 4;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const r0 = start + t * tile, r1 = min(r0 + tile, stop);
    const longest = mostOf(bounds, panels, 8), fixed = twice(D) * mostOf(bounds + 4, panels, 8);
    for (let r = r0; r < r1; r++) {
      const at = <usize>r << 2, least = rows + at, row = h + (<usize>(r - start) * width << 2);
      if (feature == 0) begin(x + (<usize>(r - start) * D << 2), D, longest, fixed, least, column, counts + at, redo + at);
      const ofLength = load<f32>(least + column);
      for (let f = 0; f < width; f += 16) {
        const error = errorOf(ofLength, bounds + (<usize>(feature + f >> 4) << 3), D), offset = load<f32>(least) - error, v = row + (<usize>f << 2);
        let t0 = f32x4.splat(lower(offset)), t1 = t0, t2 = t0, t3 = t0;
        if (!k) {
          const cut = cuts + (<usize>(feature + f) << 2);
          t0 = below(cut, offset, 0), t1 = below(cut, offset, 16), t2 = below(cut, offset, 32), t3 = below(cut, offset, 48);
        }
        let hits = above(v, t0, t1, t2, t3);
        if (!hits) continue;
        if (f + 16 > width) hits &= (1 << (width - f)) - 1;
        if (!hits) continue;
        if (k) push(found + <usize>r * list, capacity, v, hits, error, feature + f, k, least, counts + at, redo + at);
        else noteCandidates(found + <usize>r * list, capacity, hits, feature + f, least, counts + at, redo + at);
      }
    }
  }
}
// @ts-ignore: decorator
@inline function below(cut: usize, offset: f32, lane: usize): v128 {
  const v = f32x4.add(v128.load(cut + lane), f32x4.splat(offset));
  return f32x4.sub(v, f32x4.mul(f32x4.abs(v), f32x4.splat(2.3841858e-7)));
}

/** Which of 16 numbers are above theirs, as bits. */
// @ts-ignore: decorator
@inline function above(v: usize, t0: v128, t1: v128, t2: v128, t3: v128): i32 {
  const a = f32x4.gt(v128.load(v), t0), b = f32x4.gt(v128.load(v, 16), t1), c = f32x4.gt(v128.load(v, 32), t2), d = f32x4.gt(v128.load(v, 48), t3);
  if (!v128.any_true(v128.or(v128.or(a, b), v128.or(c, d)))) return 0;
  return i8x16.bitmask(i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
}

/** finishTopK(x, encoder, bias, rowStart, index, values, redo, rows, counts, found, B, D, F, k, capacity): the k largest of each row's candidates; tasks of 16 rows */
export function finishTopK(): void {
  const x = pointer(0), encoder = pointer(1), bias = pointer(2), rowStart = pointer(3), index = pointer(4), values = pointer(5), redo = pointer(6), rows = pointer(7), counts = pointer(8), found = pointer(9), B = arg(10), D = arg(11), F = arg(12), k = arg(13), capacity = arg(14);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let r = t * 16, end = min(r + 16, B); r < end; r++) finishRow(x, encoder, bias, rowStart, index, values, redo, rows, counts, found, r, D, F, k, capacity);
}
