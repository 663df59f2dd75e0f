import { arg, nextTask, pointer } from "../wasm/job.as";

/** Where a number of an entry's feature lies from the first; an index past the features is held to the last, so that no read leaves them. */
// @ts-ignore: decorator
@inline function placeOf(index: usize, F: u32): usize {
  return <usize>min(load<u32>(index), F - 1) << 2;
}

/** gatedAt(index, products, gateBias, magnitudeBias, scale, values, gates, n, F): tasks of 8,192 entries */
export function gatedAt(): void {
  const index = pointer(0), products = pointer(1), gateBias = pointer(2), magnitudeBias = pointer(3), scale = pointer(4), values = pointer(5), gates = pointer(6), n = arg(7), F = <u32>arg(8);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let e = <usize>t * 8192 << 2, end = <usize>min(t * 8192 + 8192, n) << 2; e < end; e += 4) {
      const f = placeOf(index + e, F), product = load<f32>(products + e), magnitude = load<f32>(scale + f) * product + load<f32>(magnitudeBias + f);
      store<f32>(values + e, magnitude <= 0 ? 0 : magnitude);
      store<f32>(gates + e, product + load<f32>(gateBias + f));
    }
}

/** gatedSlopes(index, values, magnitudeBias, scale, slopes, gateSlopes, products, logScale, n, F): tasks of 8,192 entries */
export function gatedSlopes(): void {
  const index = pointer(0), values = pointer(1), magnitudeBias = pointer(2), scale = pointer(3), slopes = pointer(4), gateSlopes = pointer(5), products = pointer(6), logScale = pointer(7), n = arg(8), F = <u32>arg(9);
  for (let t = nextTask(); t >= 0; t = nextTask())
    for (let e = <usize>t * 8192 << 2, end = <usize>min(t * 8192 + 8192, n) << 2; e < end; e += 4) {
      const f = placeOf(index + e, F), slope = load<f32>(slopes + e);
      store<f32>(products + e, slope * load<f32>(scale + f) + load<f32>(gateSlopes + e));
      store<f32>(logScale + e, slope * (load<f32>(values + e) - load<f32>(magnitudeBias + f)));
    }
}
