import { arg, float, nextTask, pointer } from "../wasm/job.as";

/** adamInto(parameter, gradient, m, v, n, beta1, 1-beta1, beta2, 1-beta2, step size, √correction, epsilon): tasks of 8,192 elements */
export function adamInto(): void {
  const p = pointer(0), g = pointer(1), m = pointer(2), v = pointer(3), n = arg(4);
  const keep1 = float(5), take1 = float(6), keep2 = float(7), take2 = float(8), size = float(9), root = float(10), epsilon = float(11);
  for (let t = nextTask(); t >= 0; t = nextTask()) {
    let o = <usize>t << 15;
    const end = <usize>min(t * 8192 + 8192, n) << 2;
    for (; o + 16 <= end; o += 16) {
      const slope = v128.load(g + o);
      const first = f32x4.add(f32x4.mul(v128.load(m + o), f32x4.splat(keep1)), f32x4.mul(slope, f32x4.splat(take1)));
      const second = f32x4.add(f32x4.mul(v128.load(v + o), f32x4.splat(keep2)), f32x4.mul(f32x4.mul(slope, slope), f32x4.splat(take2)));
      v128.store(m + o, first);
      v128.store(v + o, second);
      const scale = f32x4.add(f32x4.div(f32x4.sqrt(second), f32x4.splat(root)), f32x4.splat(epsilon));
      v128.store(p + o, f32x4.sub(v128.load(p + o), f32x4.mul(f32x4.splat(size), f32x4.div(first, scale))));
    }
    for (; o < end; o += 4) {
      const slope = load<f32>(g + o);
      const first = load<f32>(m + o) * keep1 + slope * take1;
      const second = load<f32>(v + o) * keep2 + slope * slope * take2;
      store<f32>(m + o, first);
      store<f32>(v + o, second);
      store<f32>(p + o, load<f32>(p + o) - size * (first / (sqrt(second) / root + epsilon)));
    }
  }
}
