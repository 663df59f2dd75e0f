import { type Rng } from "@dictlearn/kernels";

/**
 * F directions drawn evenly from the sphere, of the given norm.
 * @returns f32[F,D]
 */
export function randomDirections(F: number, D: number, norm: number, rng: Pick<Rng, "uniform" | "normal">): Float32Array<ArrayBuffer> {
  const rows = rng.normal(F * D);
  for (let f = 0; f < F; f++) {
    const row = rows.subarray(f * D, (f + 1) * D);
    let square = 0;
    for (let d = 0; d < D; d++) square += row[d] * row[d];
    const length = Math.sqrt(square);
    for (let d = 0; d < D; d++) row[d] *= norm / length;
  }
  return rows;
}

/** n numbers drawn evenly from -bound to bound. */
export const randomUniform = (n: number, bound: number, rng: Pick<Rng, "uniform" | "normal">): Float32Array<ArrayBuffer> => rng.uniform(n).map((u) => bound * (2 * u - 1));
