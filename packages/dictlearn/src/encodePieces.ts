import { type SparseFeatures } from "@dictlearn/kernels";
import { type Dictionary } from "@dictlearn/sae";

/** Features of one pass through a dictionary, active or not: on a GPU each has room, 32 MiB at most. */
export const passFeatures = 2 ** 23;

/** Rows that a dictionary took at once. */
export interface EncodedPiece {
  /** f32[n,D], a part of what was given */
  x: Float32Array;
  /** Where it begins, in numbers. */
  start: number;
  features: Awaited<ReturnType<SparseFeatures["read"]>>;
  /** f32[n,D]; undefined where nobody asked for it */
  decoded: Float32Array | undefined;
}

/** Activations through a dictionary, as many rows at once as a pass has room for. @param x f32[N,D] */
export async function* encodePieces(dictionary: Dictionary, x: Float32Array, { decode }: { decode: boolean }): AsyncGenerator<EncodedPiece, void> {
  const { device, D, F } = dictionary;
  const step = D * Math.max(1, Math.floor(passFeatures / F));
  for (let start = 0; start < x.length; start += step) {
    const piece = x.subarray(start, start + step);
    const [features, decoded] = await device.scope(() => {
      const rows = device.tensor(piece, [piece.length / D, D]);
      const f = dictionary.encode(rows);
      return Promise.all([f.read(), decode ? (dictionary.decode(f, rows).read() as Promise<Float32Array>) : undefined]);
    });
    yield { x: piece, start, features, decoded };
  }
}
