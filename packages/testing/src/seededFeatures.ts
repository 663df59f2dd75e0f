import type { Input } from "./expectReference.js";
import { seededNormal, seededUniform } from "./seeded.js";

/**
 * Sparse features [B,F] of every kind of row: row b has b·7 % (most+1) features, anywhere, with values of either sign.
 * Three more places than entries, where anything stands.
 * @returns rowStart, index, values
 */
export function seededFeatures(seed: number, B: number, F: number, most: number): [rowStart: Input, index: Input, values: Input] {
  const keys = seededUniform(seed, B * F);
  const rows = Array.from({ length: B }, (_, b) =>
    Array.from({ length: F }, (_, f) => f)
      .sort((f, g) => keys[b * F + f] - keys[b * F + g])
      .slice(0, (b * 7) % (most + 1))
      .sort((f, g) => f - g),
  );
  const offsets = [0];
  for (const row of rows) offsets.push(offsets.at(-1)! + row.length);
  const index = Uint32Array.from([...rows.flat(), 2 ** 32 - 1, 2 ** 32 - 1, 0]);
  return [[Uint32Array.from(offsets), [B + 1]], [index, [index.length]], [seededNormal(seed + 1, index.length), [index.length]]];
}
