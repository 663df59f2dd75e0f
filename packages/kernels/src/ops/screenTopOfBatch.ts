import type { CpuDevice } from "../cpu/cpuDevice.js";
import type { Tensor } from "../tensor.js";
import { embedding } from "./embedding.js";
import type { EncoderInputs, Entries } from "./encoder.js";
import { linear } from "./linear.js";
import { screenActive } from "./screenActive.js";
import { screens } from "./screenTopK.js";
import { nothing, topOfBatch, type Picked } from "./topOfBatch.js";

/** A guess at the threshold comes from one row in so many, but from `ROWS` at least. */
const ONE_IN = 64;
const ROWS = 32;
/** As low as if so many times the features were wanted, since rows differ; the second where the first was too high. */
const MORE = [1.25, 2.5];

/**
 * The k·B largest of relu(x encoderᵀ + bias) in the whole batch, the same bytes as from all of the pre-activations: where k·B or more
 * are above a threshold, they are among those, and integers tell which these can be (see screenActive.as.ts).
 * @returns undefined where the guesses were too high, or where screening is not worth while
 */
export function screenTopOfBatch(inputs: EncoderInputs<Tensor>, k: number): Picked<Tensor, Tensor> | undefined {
  if (!screens(inputs, k) || inputs.x.shape[0] < 8 * ROWS) return undefined;
  const device = inputs.x.device as CpuDevice;
  const B = inputs.x.shape[0];
  return device.scope(() => {
    const step = Math.floor(B / Math.max(ROWS, Math.floor(B / ONE_IN)));
    const ids = Uint32Array.from({ length: Math.floor(B / step) }, (_, i) => i * step);
    const sample = linear(embedding(inputs.x, device.tensor(ids, [ids.length])), inputs.encoder, inputs.bias);
    const wanted = MORE.map((more) => Math.ceil(more * k * ids.length));
    const { values } = topOfBatch(sample, nothing(device), { n: wanted.at(-1)!, at: 0 });
    const ascending = Float32Array.from(device.view(values)).sort();
    for (const n of wanted) {
      const least = ascending[Math.max(0, ascending.length - n)]!;
      if (!(least > 0)) return undefined;
      const above = screenActive(inputs, { threshold: device.tensor(Float32Array.of(least), [1]) });
      if (!above) return undefined;
      if (above.index.size >= k * B) return topOfBatch(device.empty("f32", [0, inputs.encoder.shape[0]]), { row: rowsOf(above), column: above.index, values: above.values }, { n: k * B, at: B });
    }
    return undefined;
  });
}

/** The row of each entry. */
function rowsOf({ rowStart, index }: Entries<Tensor, Tensor>): Tensor {
  const device = index.device as CpuDevice;
  const row = device.empty("u32", [index.size]);
  const [rows, starts] = [device.view(row), device.view(rowStart)];
  for (let b = 0; b + 1 < starts.length; b++) rows.fill(b, starts[b], starts[b + 1]);
  return row;
}
