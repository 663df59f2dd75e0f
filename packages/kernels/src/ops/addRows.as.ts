// out f32[D] += Σ weight · row, each element adding them one after another; as many bytes as the row has, `whole` of them
// by fours of numbers. A weight is splat over its vector.

// @ts-ignore: decorator
@inline export function addRow(out: usize, row: usize, w: v128, bytes: usize, whole: usize): void {
  let o: usize = 0;
  for (; o < whole; o += 16) v128.store(out + o, f32x4.add(v128.load(out + o), f32x4.mul(w, v128.load(row + o))));
  for (; o < bytes; o += 4) store<f32>(out + o, load<f32>(out + o) + f32x4.extract_lane(w, 0) * load<f32>(row + o));
}

/** Four in one pass over out. */
// @ts-ignore: decorator
@inline export function addFourRows(out: usize, r0: usize, r1: usize, r2: usize, r3: usize, w0: v128, w1: v128, w2: v128, w3: v128, bytes: usize, whole: usize): void {
  let o: usize = 0;
  for (; o < whole; o += 16) {
    let sum = f32x4.add(v128.load(out + o), f32x4.mul(w0, v128.load(r0 + o)));
    sum = f32x4.add(sum, f32x4.mul(w1, v128.load(r1 + o)));
    sum = f32x4.add(sum, f32x4.mul(w2, v128.load(r2 + o)));
    v128.store(out + o, f32x4.add(sum, f32x4.mul(w3, v128.load(r3 + o))));
  }
  for (; o < bytes; o += 4) {
    let sum = load<f32>(out + o) + f32x4.extract_lane(w0, 0) * load<f32>(r0 + o);
    sum += f32x4.extract_lane(w1, 0) * load<f32>(r1 + o);
    sum += f32x4.extract_lane(w2, 0) * load<f32>(r2 + o);
    store<f32>(out + o, sum + f32x4.extract_lane(w3, 0) * load<f32>(r3 + o));
  }
}
