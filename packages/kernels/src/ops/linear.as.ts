import { arg, nextTask, pointer, scratch } from "../wasm/job.as";
import { highHalves, lowHalves, unpackHigh, unpackLow } from "../wasm/simd.as";

// Every element is bias[n], then += x[m,k] * weight[n,k] for k = 0, 1, 2…: each product and each sum rounded to f32, on
// whatever path. So a row's bytes cannot depend on the rows beside it, on the blocks, or on the thread.

/** Depth of a packed panel: 16 KiB of weights, which stay in the first-level cache while all rows pass by. */
const DEPTH: i32 = 256;

/** linear(x, weight, bias or 0, y, M, N, K, columns, rows): tasks of `rows` rows (even) × `columns` columns (a multiple of 16) */
export function linear(): void {
  const x = pointer(0), weight = pointer(1), bias = pointer(2), y = pointer(3), M = arg(4), N = arg(5), K = arg(6), columns = arg(7), rows = arg(8);
  const panel = scratch(), start = panel + (<usize>DEPTH << 6), groups = (N + columns - 1) / columns;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const m0 = t / groups * rows, m1 = min(m0 + rows, M), n0 = t % groups * columns, n1 = min(n0 + columns, N);
    for (let n = n0; n < n1; n += 16) {
      const width = min(16, N - n);
      startAt(start, bias, n, width);
      for (let k = 0; k < K; k += DEPTH) {
        const depth = min(DEPTH, K - k);
        pack(weight + (<usize>n * K + k << 2), K, width, depth, panel);
        for (let m = m0; m < m1; m += 2) {
          const second = m + 1 < m1 ? 1 : 0; // a last row alone is computed twice
          const a0 = x + (<usize>m * K + k << 2), a1 = a0 + (<usize>(second * K) << 2);
          const c0 = y + (<usize>m * N + n << 2), c1 = c0 + (<usize>(second * N) << 2);
          if (width == 16) linearTile(a0, a1, panel, depth, k ? c0 : start, k ? c1 : start, c0, c1);
          else {
            const edge = start + 64;
            if (k) {
              memory.copy(edge, c0, <usize>width << 2);
              memory.copy(edge + 64, c1, <usize>width << 2);
            }
            linearTile(a0, a1, panel, depth, k ? edge : start, k ? edge + 64 : start, edge, edge + 64);
            memory.copy(c0, edge, <usize>width << 2);
            memory.copy(c1, edge + 64, <usize>width << 2);
          }
        }
      }
    }
  }
}

/** 2 rows × 16 columns of y over `depth` steps: from `s0`, `s1` to `c0`, `c1`. */
// Exported so that it is not inlined. The exit between two depth steps keeps them in two basic blocks: V8 moves all loads
// of a block to its top, and with those of two steps it would run out of its 15 vector registers.
export function linearTile(a0: usize, a1: usize, b: usize, depth: i32, s0: usize, s1: usize, c0: usize, c1: usize): void {
  const end = b + (<usize>depth << 6);
  let y00 = v128.load(s0), y01 = v128.load(s0, 16), y02 = v128.load(s0, 32), y03 = v128.load(s0, 48);
  let y10 = v128.load(s1), y11 = v128.load(s1, 16), y12 = v128.load(s1, 32), y13 = v128.load(s1, 48);
  do {
    const b0 = v128.load(b), b1 = v128.load(b, 16), b2 = v128.load(b, 32), b3 = v128.load(b, 48);
    const p = v128.load32_splat(a0);
    y00 = f32x4.add(y00, f32x4.mul(p, b0)); y01 = f32x4.add(y01, f32x4.mul(p, b1)); y02 = f32x4.add(y02, f32x4.mul(p, b2)); y03 = f32x4.add(y03, f32x4.mul(p, b3));
    const q = v128.load32_splat(a1);
    y10 = f32x4.add(y10, f32x4.mul(q, b0)); y11 = f32x4.add(y11, f32x4.mul(q, b1)); y12 = f32x4.add(y12, f32x4.mul(q, b2)); y13 = f32x4.add(y13, f32x4.mul(q, b3));
    a0 += 4; a1 += 4; b += 64;
    if (b == end) break;
    const d0 = v128.load(b), d1 = v128.load(b, 16), d2 = v128.load(b, 32), d3 = v128.load(b, 48);
    const r = v128.load32_splat(a0);
    y00 = f32x4.add(y00, f32x4.mul(r, d0)); y01 = f32x4.add(y01, f32x4.mul(r, d1)); y02 = f32x4.add(y02, f32x4.mul(r, d2)); y03 = f32x4.add(y03, f32x4.mul(r, d3));
    const s = v128.load32_splat(a1);
    y10 = f32x4.add(y10, f32x4.mul(s, d0)); y11 = f32x4.add(y11, f32x4.mul(s, d1)); y12 = f32x4.add(y12, f32x4.mul(s, d2)); y13 = f32x4.add(y13, f32x4.mul(s, d3));
    a0 += 4; a1 += 4; b += 64;
  } while (b != end);
  v128.store(c0, y00); v128.store(c0, y01, 16); v128.store(c0, y02, 32); v128.store(c0, y03, 48);
  v128.store(c1, y10); v128.store(c1, y11, 16); v128.store(c1, y12, 32); v128.store(c1, y13, 48);
}

/** Where 16 columns start: their bias, zeros past the last column and without a bias. */
function startAt(to: usize, bias: usize, n: i32, width: i32): void {
  memory.fill(to, 0, 64);
  if (bias) memory.copy(to, bias + (<usize>n << 2), <usize>width << 2);
}

/** Rows of the weight → a panel of `depth` steps × 16 columns. Four rows at a time, each read from end to end: 16 rows at once, a power of two apart, would push each other out of the cache. Columns past `width` repeat the last. */
function pack(weight: usize, K: i32, width: i32, depth: i32, panel: usize): void {
  const row = <usize>K << 2;
  for (let j = 0; j < 16; j += 4) {
    let w0 = weight + <usize>min(j, width - 1) * row, w1 = weight + <usize>min(j + 1, width - 1) * row, w2 = weight + <usize>min(j + 2, width - 1) * row, w3 = weight + <usize>min(j + 3, width - 1) * row;
    let to = panel + (<usize>j << 2), k = 0;
    for (; k + 4 <= depth; k += 4) {
      const r0 = v128.load(w0), r1 = v128.load(w1), r2 = v128.load(w2), r3 = v128.load(w3);
      const lo01 = unpackLow(r0, r1), hi01 = unpackHigh(r0, r1), lo23 = unpackLow(r2, r3), hi23 = unpackHigh(r2, r3);
      v128.store(to, lowHalves(lo01, lo23));
      v128.store(to, highHalves(lo01, lo23), 64);
      v128.store(to, lowHalves(hi01, hi23), 128);
      v128.store(to, highHalves(hi01, hi23), 192);
      w0 += 16; w1 += 16; w2 += 16; w3 += 16; to += 256;
    }
    for (; k < depth; k++) {
      store<f32>(to, load<f32>(w0)); store<f32>(to, load<f32>(w1), 4); store<f32>(to, load<f32>(w2), 8); store<f32>(to, load<f32>(w3), 12);
      w0 += 4; w1 += 4; w2 += 4; w3 += 4; to += 64;
    }
  }
}

/** linearThin(x, weight, bias or 0, y, M, N, K, columns): `linear` for one or two rows, without packing; tasks of `columns` columns (a multiple of 4) */
export function linearThin(): void {
  const x = pointer(0), weight = pointer(1), bias = pointer(2), y = pointer(3), M = arg(4), N = arg(5), columns = arg(7);
  const row = <usize>arg(6) << 2, start = scratch(), tile = start + 64, a0 = x, a1 = M > 1 ? x + row : x;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * columns, end = min(n + columns, N); n < end; n += 4) {
      const width = min(4, N - n);
      startAt(start, bias, n, width);
      const w0 = weight + <usize>n * row, w1 = width > 1 ? w0 + row : w0, w2 = width > 2 ? w1 + row : w1, w3 = width > 3 ? w2 + row : w2;
      let y0 = v128.load(start), y1 = y0, k: usize = 0;
      for (; k + 16 <= row; k += 16) {
        const r0 = v128.load(w0 + k), r1 = v128.load(w1 + k), r2 = v128.load(w2 + k), r3 = v128.load(w3 + k);
        const lo01 = unpackLow(r0, r1), hi01 = unpackHigh(r0, r1), lo23 = unpackLow(r2, r3), hi23 = unpackHigh(r2, r3);
        const b0 = lowHalves(lo01, lo23), b1 = highHalves(lo01, lo23), b2 = lowHalves(hi01, hi23), b3 = highHalves(hi01, hi23);
        y0 = f32x4.add(y0, f32x4.mul(v128.load32_splat(a0 + k), b0));
        y1 = f32x4.add(y1, f32x4.mul(v128.load32_splat(a1 + k), b0));
        y0 = f32x4.add(y0, f32x4.mul(v128.load32_splat(a0 + k, 4), b1));
        y1 = f32x4.add(y1, f32x4.mul(v128.load32_splat(a1 + k, 4), b1));
        y0 = f32x4.add(y0, f32x4.mul(v128.load32_splat(a0 + k, 8), b2));
        y1 = f32x4.add(y1, f32x4.mul(v128.load32_splat(a1 + k, 8), b2));
        y0 = f32x4.add(y0, f32x4.mul(v128.load32_splat(a0 + k, 12), b3));
        y1 = f32x4.add(y1, f32x4.mul(v128.load32_splat(a1 + k, 12), b3));
      }
      for (; k < row; k += 4) {
        const b = f32x4(load<f32>(w0 + k), load<f32>(w1 + k), load<f32>(w2 + k), load<f32>(w3 + k));
        y0 = f32x4.add(y0, f32x4.mul(v128.load32_splat(a0 + k), b));
        y1 = f32x4.add(y1, f32x4.mul(v128.load32_splat(a1 + k), b));
      }
      v128.store(tile, y0);
      v128.store(tile, y1, 16);
      for (let m = 0; m < M; m++) memory.copy(y + (<usize>m * N + n << 2), tile + (<usize>m << 4), <usize>width << 2);
    }
}

/** productThin(a, b, y, M, N, K): y = a b for few rows, b as it lies; tasks of 64 columns */
export function productThin(): void {
  const a = pointer(0), b = pointer(1), y = pointer(2), M = arg(3), N = arg(4), K = arg(5), row = <usize>N << 2;
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    const first = <usize>t * 64 << 2, width = min(<usize>256, row - first), whole = width & ~<usize>15;
    for (let m = 0; m < M; m++) {
      const to = y + <usize>m * row + first; // stays in the first-level cache
      memory.fill(to, 0, width);
      for (let k = 0, from = b + first; k < K; k++, from += row) {
        const factor = load<f32>(a + (<usize>(m * K + k) << 2)), factors = f32x4.splat(factor);
        let i: usize = 0;
        for (; i < whole; i += 16) v128.store(to + i, f32x4.add(v128.load(to + i), f32x4.mul(factors, v128.load(from + i))));
        for (; i < width; i += 4) store<f32>(to + i, load<f32>(to + i) + factor * load<f32>(from + i));
      }
    }
  }
}
