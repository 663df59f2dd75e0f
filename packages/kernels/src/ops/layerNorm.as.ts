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

/** layerNormBackward(x, weight, dy, dx, N, D, epsilon): tasks of 16 rows; the formula stands in layerNorm.ts */
export function layerNormBackward(): void {
  const x = pointer(0), weight = pointer(1), y = pointer(2), dx = pointer(3), N = arg(4), D = arg(5), epsilon = float(6);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    for (let n = t * 16, end = min(n + 16, N); n < end; n++) {
      const start = <usize>n * (<usize>D << 2), row = x + start, slope = y + start, out = dx + start;
      let s = f32x4.splat(0), d = 0;
      for (; d + 4 <= D; d += 4) s = f32x4.add(s, v128.load(row + (<usize>d << 2)));
      let sum = sum4(s);
      for (; d < D; d++) sum += load<f32>(row + (<usize>d << 2));
      const mean = sum / <f32>D, mean4 = f32x4.splat(mean);
      let squares = f32x4.splat(0), g4 = squares, gc4 = squares; // Σ c², Σ g, Σ g c with c not yet scaled
      for (d = 0; d + 4 <= D; d += 4) {
        const o = <usize>d << 2, c = f32x4.sub(v128.load(row + o), mean4), g = f32x4.mul(v128.load(weight + o), v128.load(slope + o));
        squares = f32x4.add(squares, f32x4.mul(c, c));
        g4 = f32x4.add(g4, g);
        gc4 = f32x4.add(gc4, f32x4.mul(g, c));
      }
      let variance = sum4(squares), ofG = sum4(g4), ofBoth = sum4(gc4);
      for (; d < D; d++) {
        const o = <usize>d << 2, c = load<f32>(row + o) - mean, g = load<f32>(weight + o) * load<f32>(slope + o);
        variance += c * c;
        ofG += g;
        ofBoth += g * c;
      }
      const scale = <f32>1 / sqrt(variance / <f32>D + epsilon);
      ofG /= <f32>D;
      ofBoth = ofBoth / <f32>D * scale * scale;
      const scale4 = f32x4.splat(scale), ofG4 = f32x4.splat(ofG), ofBoth4 = f32x4.splat(ofBoth);
      for (d = 0; d + 4 <= D; d += 4) {
        const o = <usize>d << 2, c = f32x4.sub(v128.load(row + o), mean4), g = f32x4.mul(v128.load(weight + o), v128.load(slope + o));
        v128.store(out + o, f32x4.mul(scale4, f32x4.sub(f32x4.sub(g, ofG4), f32x4.mul(c, ofBoth4))));
      }
      for (; d < D; d++) {
        const o = <usize>d << 2;
        store<f32>(out + o, scale * (load<f32>(weight + o) * load<f32>(slope + o) - ofG - (load<f32>(row + o) - mean) * ofBoth));
      }
    }
  }
}
