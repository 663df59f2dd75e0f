import { arg, float, nextTask, pointer, scratch } from "../wasm/job.as";
import { dot, exp4, max4, sum4 } from "../wasm/simd.as";

// Keys come in chunks of 1,024 counted from the start of a query's span, with a running maximum and sum (online
// softmax); what a query adds up, and in which order, depends on its own span alone.
const CHUNK = 1024;

/** attention(q, k, v, spans, y, N, M, heads, d, scale): task t is head t % heads of the 16 queries from t / heads * 16 */
export function attention(): void {
  const q = pointer(0), k = pointer(1), v = pointer(2), spans = pointer(3), y = pointer(4);
  const N = arg(5), M = arg(6), heads = arg(7), d = arg(8), scale = float(9), row = <usize>(heads * d) << 2, p = scratch();
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const head = <usize>(t % heads * d) << 2;
    for (let n = t / heads * 16, end = min(n + 16, N); n < end; n++) {
      const from = load<u32>(spans + (<usize>n << 3)), to = min(load<u32>(spans + (<usize>n << 3) + 4), <u32>M);
      const at = <usize>n * row + head;
      let max = -f32.MAX_VALUE, sums = f32x4.splat(0);
      memory.fill(y + at, 0, <usize>d << 2);
      if (from >= to) continue;
      for (let c = from; c < to; c += CHUNK) {
        const keys = <i32>min(<u32>CHUNK, to - c), o = <usize>c * row + head;
        const next = maxOf(max, scores(q + at, k + o, row, keys, d, scale, p)), next4 = f32x4.splat(next);
        if (c > from) {
          const shrink = exp4(f32x4.splat(max - next));
          sums = f32x4.mul(sums, shrink);
          multiply(y + at, d, shrink);
        }
        for (let j: usize = 0; j < <usize>keys << 2; j += 16) {
          const e = exp4(f32x4.sub(v128.load(p + j), next4));
          v128.store(p + j, e);
          sums = f32x4.add(sums, e);
        }
        gather(p, v + o, row, keys, y + at, d);
        max = next;
      }
      multiply(y + at, d, f32x4.splat(<f32>1 / sum4(sums)));
    }
  }
}

// @ts-ignore: decorator
@inline function maxOf(a: f32, b: f32): f32 {
  return max(a, b);
}

/** p[j] = scale * q·k[j], filled up to a multiple of four with values whose exp is nothing; returns the largest, NaN if one is. */
function scores(q: usize, k: usize, row: usize, keys: i32, d: i32, scale: f32, p: usize): f32 {
  let largest = f32x4.splat(-f32.MAX_VALUE), j = 0;
  for (; j + 4 <= keys; j += 4) {
    const s = f32x4.mul(dots4(q, k + <usize>j * row, row, d), f32x4.splat(scale));
    v128.store(p + (<usize>j << 2), s);
    largest = f32x4.max(largest, s);
  }
  let max = max4(largest);
  if (j < keys) {
    v128.store(p + (<usize>j << 2), f32x4.splat(-f32.MAX_VALUE));
    for (; j < keys; j++) {
      const s = dot(q, k + <usize>j * row, d) * scale;
      store<f32>(p + (<usize>j << 2), s);
      max = maxOf(max, s);
    }
  }
  return max;
}

/** q·k for four rows of k, each in the order of `dot`. */
// @ts-ignore: decorator
@inline function dots4(q: usize, k: usize, row: usize, d: i32): v128 {
  let a = f32x4.splat(0), b = a, c = a, e = a, i: usize = 0;
  const k1 = k + row, k2 = k1 + row, k3 = k2 + row, whole = <usize>(d & ~3) << 2;
  for (; i < whole; i += 16) {
    const x = v128.load(q + i);
    a = f32x4.add(a, f32x4.mul(x, v128.load(k + i)));
    b = f32x4.add(b, f32x4.mul(x, v128.load(k1 + i)));
    c = f32x4.add(c, f32x4.mul(x, v128.load(k2 + i)));
    e = f32x4.add(e, f32x4.mul(x, v128.load(k3 + i)));
  }
  // sum4 of each: (lane 0 + lane 1) + (lane 2 + lane 3)
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 2, 4, 6), v128.shuffle<f32>(a, b, 1, 3, 5, 7));
  const ce = f32x4.add(v128.shuffle<f32>(c, e, 0, 2, 4, 6), v128.shuffle<f32>(c, e, 1, 3, 5, 7));
  let sums = f32x4.add(v128.shuffle<f32>(ab, ce, 0, 2, 4, 6), v128.shuffle<f32>(ab, ce, 1, 3, 5, 7));
  for (; i < <usize>d << 2; i += 4) {
    const column = f32x4(load<f32>(k + i), load<f32>(k1 + i), load<f32>(k2 + i), load<f32>(k3 + i));
    sums = f32x4.add(sums, f32x4.mul(f32x4.splat(load<f32>(q + i)), column));
  }
  return sums;
}

/** y += Σ p[j] v[j], keys in order; 32 columns at a time stay in registers. */
function gather(p: usize, v: usize, row: usize, keys: i32, y: usize, d: i32): void {
  const end = p + (<usize>keys << 2);
  let i = 0;
  for (; i + 32 <= d; i += 32) {
    const out = y + (<usize>i << 2);
    let from = v + (<usize>i << 2);
    let a = v128.load(out), b = v128.load(out, 16), c = v128.load(out, 32), e = v128.load(out, 48);
    let f = v128.load(out, 64), g = v128.load(out, 80), h = v128.load(out, 96), l = v128.load(out, 112);
    for (let w = p; w < end; w += 4, from += row) {
      const s = v128.load32_splat(w);
      a = f32x4.add(a, f32x4.mul(s, v128.load(from)));
      b = f32x4.add(b, f32x4.mul(s, v128.load(from, 16)));
      c = f32x4.add(c, f32x4.mul(s, v128.load(from, 32)));
      e = f32x4.add(e, f32x4.mul(s, v128.load(from, 48)));
      if (w == 0) break; // never: with an exit between them V8 does not load both halves at once, for which it has too few registers
      f = f32x4.add(f, f32x4.mul(s, v128.load(from, 64)));
      g = f32x4.add(g, f32x4.mul(s, v128.load(from, 80)));
      h = f32x4.add(h, f32x4.mul(s, v128.load(from, 96)));
      l = f32x4.add(l, f32x4.mul(s, v128.load(from, 112)));
    }
    v128.store(out, a);
    v128.store(out, b, 16);
    v128.store(out, c, 32);
    v128.store(out, e, 48);
    v128.store(out, f, 64);
    v128.store(out, g, 80);
    v128.store(out, h, 96);
    v128.store(out, l, 112);
  }
  for (; i + 4 <= d; i += 4) {
    let a = v128.load(y + (<usize>i << 2)), from = v + (<usize>i << 2);
    for (let w = p; w < end; w += 4, from += row) a = f32x4.add(a, f32x4.mul(v128.load32_splat(w), v128.load(from)));
    v128.store(y + (<usize>i << 2), a);
  }
  for (; i < d; i++) {
    let a = load<f32>(y + (<usize>i << 2)), from = v + (<usize>i << 2);
    for (let w = p; w < end; w += 4, from += row) a += load<f32>(w) * load<f32>(from);
    store<f32>(y + (<usize>i << 2), a);
  }
}

function multiply(y: usize, d: i32, by: v128): void {
  let i = 0;
  for (; i + 4 <= d; i += 4) v128.store(y + (<usize>i << 2), f32x4.mul(v128.load(y + (<usize>i << 2)), by));
  for (; i < d; i++) store<f32>(y + (<usize>i << 2), load<f32>(y + (<usize>i << 2)) * f32x4.extract_lane(by, 0));
}
