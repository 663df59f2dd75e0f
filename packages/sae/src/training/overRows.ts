import { add, copyRowsInto, scale, sliceRows, Tensor, valueAndGradients, type Device } from "@dictlearn/kernels";

/**
 * Rows are taken together up to this many places for features. On WebGPU there is room for all of them: what a step needs on the
 * way stays some 200 MB, and fits the bindings. On cpu the active ones alone take memory, some 30 bytes each.
 */
const PLACES = { webgpu: 2 ** 23, cpu: 2 ** 25 };

const rowsAtOnce = (device: Device, places: number): number => Math.max(1, Math.floor(PLACES[device.kind] / places));

/** Tensors by name, in groups or not. */
interface Means {
  readonly [name: string]: Tensor | Means;
}

/**
 * `valueAndGradients` of an objective that is a mean over the rows of x, some rows at a time: means are weighed by their
 * rows and added up in order. All rows at once where they are few.
 * @param x f32[B,D]
 * @param options.places a row: features that may be active, twice where an entry has two numbers with slopes (a gate and a
 *   magnitude, a feature and its pre-activation)
 * @param body rows f32[R,D] → tensors, each a mean over these rows; `loss` is differentiated
 */
export function overRows<P extends Readonly<Record<string, Tensor>>, R extends { readonly loss: Tensor }>(
  parameters: P,
  x: Tensor,
  { places, atOnce = rowsAtOnce(x.device, places) }: { places: number; atOnce?: number },
  body: (p: P, rows: Tensor) => R,
): { value: R; gradients: { [K in keyof P]: Tensor } } {
  const B = x.shape[0];
  if (B <= atOnce) return valueAndGradients(parameters, (p) => body(p, x));
  let sums: Means | undefined;
  for (let start = 0; start < B; start += atOnce) {
    const end = Math.min(B, start + atOnce);
    sums = x.device.scope(() => {
      const rows = sliceRows(x, { start, end });
      return weighed(valueAndGradients(parameters, (p) => body(p, rows)) as unknown as Means, (end - start) / B, sums);
    });
  }
  return sums as unknown as { value: R; gradients: { [K in keyof P]: Tensor } };
}

/**
 * A number a row, some rows at a time. @param x f32[B,D] @param body rows f32[R,D] → f32[R] @returns f32[B]
 */
export function eachRow(x: Tensor, { places, atOnce = rowsAtOnce(x.device, places) }: { places: number; atOnce?: number }, body: (rows: Tensor) => Tensor): Tensor {
  const B = x.shape[0];
  return x.device.scope(() => {
    const y = x.device.empty("f32", [B, 1]);
    for (let start = 0; start < B; start += atOnce)
      x.device.scope(() => {
        const numbers = body(sliceRows(x, { start, end: Math.min(B, start + atOnce) }));
        copyRowsInto(y, numbers.reshape([numbers.size, 1]), { at: start });
      });
    return y.reshape([B]);
  });
}

/** sums + weight · means; what went into it is freed at once, since gradients are as large as the parameters. */
function weighed(means: Means, weight: number, sums?: Means): Means {
  return Object.fromEntries(
    Object.entries(means).map(([name, mean]) => {
      const sum = sums?.[name];
      if (!(mean instanceof Tensor)) return [name, weighed(mean, weight, sum as Means | undefined)];
      const part = scale(mean, weight);
      if (mean.size > 1) mean.dispose(); // a number may stand under two names
      if (!(sum instanceof Tensor)) return [name, part];
      const more = add(sum, part);
      part.dispose();
      sum.dispose();
      return [name, more];
    }),
  );
}
