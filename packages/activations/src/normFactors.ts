import { mul, sumRows } from "@dictlearn/kernels";
import type { Batch } from "./buffer.js";
import { ActivationsError, expectCount } from "./error.js";

/**
 * What to divide activations by so that their mean square norm is 1: c = sqrt(mean |x|²) by site, over the first batches
 * (dictionary_learning takes 101), or as many as there are. The batches are disposed. To train on them too, open a second
 * buffer on the same texts with the same seed: it draws them again.
 * @param batches a buffer, or anything that gives batches
 * @throws USAGE if there is no batch; FORMAT for a factor that is zero or not finite
 */
export async function normFactors(batches: AsyncIterable<Batch>, options: { batches?: number } = {}): Promise<Record<string, number>> {
  const { batches: most = 101 } = options;
  expectCount("normFactors", "batches", most, 1);
  const sums = new Map<string, { squares: number; rows: number }>();
  let seen = 0;
  for await (const batch of batches) {
    for (const [site, x] of Object.entries(batch)) {
      using norms = x.device.scope(() => sumRows(mul(x, x))); // f32[B]
      const sum = sums.get(site) ?? { squares: 0, rows: 0 };
      for (const square of await norms.read()) sum.squares += square; // in f64
      sums.set(site, { squares: sum.squares, rows: sum.rows + x.shape[0] });
      x.dispose();
    }
    if (++seen === most) break;
  }
  if (sums.size === 0) throw new ActivationsError("USAGE", "normFactors: expected at least one batch, got none", "use smaller batches, or more text");
  return Object.fromEntries(
    [...sums].map(([site, { squares, rows }]) => {
      const factor = Math.sqrt(squares / rows);
      if (!(factor > 0 && factor < Infinity)) throw new ActivationsError("FORMAT", `${site}: expected activations with a finite norm above zero, got ${factor} on average`);
      return [site, factor];
    }),
  );
}
