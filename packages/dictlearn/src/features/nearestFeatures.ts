import { normRows, type Tensor } from "@dictlearn/kernels";
import { strongest } from "./strongest.js";

/** [F] of up to k features each, nearest first. */
export type Nearest = readonly (readonly { index: number; cosine: number }[])[];

/**
 * The features whose decoder rows have the largest cosine with each one's, those > 0.
 * @param directions f32[F,O]; a row of zeros is near to none
 */
export async function nearestFeatures(directions: Tensor, k: number, onRows?: (rows: number) => void): Promise<Nearest> {
  const { device } = directions;
  const [F, O] = directions.shape;
  const [rows, norms] = (await device.scope(() => Promise.all([directions.read(), normRows(directions).read()]))) as [Float32Array, Float32Array];
  for (let f = 0; f < F; f++) for (let o = f * O, by = norms[f] || 1; o < (f + 1) * O; o++) rows[o] /= by;
  using unit = device.keep(device.tensor(rows, [F, O]));
  const found = await strongest(unit, unit, k + 1, onRows);
  return Array.from({ length: F }, (_, f) => {
    const others: { index: number; cosine: number }[] = [];
    for (let i = f * found.k; i < (f + 1) * found.k && others.length < k; i++)
      if (found.values[i] > 0 && found.index[i] !== f) others.push({ index: found.index[i], cosine: found.values[i] });
    return others;
  });
}
