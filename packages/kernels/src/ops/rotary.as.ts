import { arg, double, nextTask, pointer, scratch } from "../wasm/job.as";
import { copyFloats } from "../wasm/simd.as";

// Angles in f64: the frequencies are powers of `ratio`, the turn is reduced to -π/4..π/4 and the series cut at 1e-11.
/** rotary(x, positions, y, N, heads, d, dims, -, ratio (two words) = base^(-2/dims)): tasks of 16 rows */
export function rotary(): void {
  const x = pointer(0), positions = pointer(1), y = pointer(2), N = arg(3), heads = arg(4), d = arg(5), dims = arg(6), ratio = double(8);
  const half = dims >> 1, halfBytes = <usize>half << 2, cos = scratch(), sin = scratch() + halfBytes;
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let n = t * 16, end = min(n + 16, N); n < end; n++) {
      let angle = <f64>load<u32>(positions + (<usize>n << 2));
      for (let i = 0; i < half; i++, angle *= ratio) {
        const quarter = nearest(angle * 0.6366197723675814), r = angle - quarter * 1.5707963267948966, z = r * r;
        const s = r * (1 + z * (-1.0 / 6 + z * (1.0 / 120 + z * (-1.0 / 5040 + z * (1.0 / 362880 - z * (1.0 / 39916800))))));
        const c = 1 + z * (-0.5 + z * (1.0 / 24 + z * (-1.0 / 720 + z * (1.0 / 40320 + z * (-1.0 / 3628800 + z * (1.0 / 479001600))))));
        const q = <i64>quarter;
        const turnedCos = q & 1 ? -s : c, turnedSin = q & 1 ? c : s;
        store<f32>(cos + (<usize>i << 2), <f32>(q & 2 ? -turnedCos : turnedCos));
        store<f32>(sin + (<usize>i << 2), <f32>(q & 2 ? -turnedSin : turnedSin));
      }
      for (let h = 0; h < heads; h++) {
        const from = x + ((<usize>n * heads + h) * d << 2), to = y + ((<usize>n * heads + h) * d << 2);
        let i = 0;
        for (; i + 4 <= half; i += 4) {
          const o = <usize>i << 2, x1 = v128.load(from + o), x2 = v128.load(from + o + halfBytes), c = v128.load(cos + o), s = v128.load(sin + o);
          v128.store(to + o, f32x4.sub(f32x4.mul(x1, c), f32x4.mul(x2, s)));
          v128.store(to + o + halfBytes, f32x4.add(f32x4.mul(x2, c), f32x4.mul(x1, s)));
        }
        for (; i < half; i++) {
          const o = <usize>i << 2, x1 = load<f32>(from + o), x2 = load<f32>(from + o + halfBytes), c = load<f32>(cos + o), s = load<f32>(sin + o);
          store<f32>(to + o, x1 * c - x2 * s);
          store<f32>(to + o + halfBytes, x2 * c + x1 * s);
        }
        copyFloats(to + (<usize>dims << 2), from + (<usize>dims << 2), d - dims);
      }
    }
}
