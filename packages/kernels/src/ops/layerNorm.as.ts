import { arg, float, nextTask, pointer } from "../wasm/job.as";
import { sum4 } from "../wasm/simd.as";

/** layerNorm(x, weight, bias, y, N, D, epsilon): tasks of 16 rows */
export function layerNorm(): void {
  const x = pointer(0), weight = pointer(1), bias = pointer(2), y = pointer(3), N = arg(4), D = arg(5), epsilon = float(6);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    for (let n = t * 16, end = min(n + 16, N); n < end; n++) {
      const row = x + <usize>n * (<usize>D << 2), out = y + <usize>n * (<usize>D << 2);
      let s = f32x4.splat(0), d = 0;
      for (; d + 4 <= D; d += 4) s = f32x4.add(s, v128.load(row + (<usize>d << 2)));
      let sum = sum4(s);
      for (; d < D; d++) sum += load<f32>(row + (<usize>d << 2));
      const mean = sum / <f32>D, mean4 = f32x4.splat(mean);
      s = f32x4.splat(0);
      for (d = 0; d + 4 <= D; d += 4) {
        const c = f32x4.sub(v128.load(row + (<usize>d << 2)), mean4);
        s = f32x4.add(s, f32x4.mul(c, c));
      }
      sum = sum4(s);
      for (; d < D; d++) {
        const c = load<f32>(row + (<usize>d << 2)) - mean;
        sum += c * c;
      }
      const scale = <f32>1 / sqrt(sum / <f32>D + epsilon), scale4 = f32x4.splat(scale);
      for (d = 0; d + 4 <= D; d += 4) {
        const o = <usize>d << 2, c = f32x4.mul(f32x4.sub(v128.load(row + o), mean4), scale4);
        v128.store(out + o, f32x4.add(f32x4.mul(c, v128.load(weight + o)), v128.load(bias + o)));
      }
      for (; d < D; d++) {
        const o = <usize>d << 2;
        store<f32>(out + o, (load<f32>(row + o) - mean) * scale * load<f32>(weight + o) + load<f32>(bias + o));
      }
    }
  }
}
