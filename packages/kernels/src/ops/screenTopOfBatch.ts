import type { CpuDevice } from "../cpu/cpuDevice.js";
import type { Tensor } from "../tensor.js";
import { embedding } from "./embedding.js";
import type { EncoderInputs } from "./encoder.js";
import { linear } from "./linear.js";
import { screenActive } from "./screenActive.js";
import { screens } from "./screenTopK.js";
import { nothing, topOfBatch, type Picked } from "./topOfBatch.js";

/** The threshold is guessed from one row in so many. */
const ONE_IN = 32;
/** As low as if so many times the features were wanted: rows differ, and too high a guess is worth nothing. */
const MORE = 1.25;

/**
 * The k·B largest of relu(x encoderᵀ + bias) in the whole batch, the same bytes as from all of the pre-activations: where k·B or more
 * are above a threshold, they are among those, and integers tell which these can be (see screenActive.as.ts).
 * @returns undefined where the guess was too high, or where screening is not worth while
 */
export function screenTopOfBatch(inputs: EncoderInputs<Tensor>, k: number): Picked<Tensor, Tensor> | undefined {
  if (!screens(inputs, k) || inputs.x.shape[0] < 8 * ONE_IN) return undefined;
  const device = inputs.x.device as CpuDevice;
  const B = inputs.x.shape[0];
  return device.scope(() => {
    const ids = Uint32Array.from({ length: Math.floor(B / ONE_IN) }, (_, i) => i * ONE_IN);
    const sample = linear(embedding(inputs.x, device.tensor(ids, [ids.length])), inputs.encoder, inputs.bias);
    const { values } = topOfBatch(sample, nothing(device), { n: Math.ceil(MORE * k * ids.length), at: 0 });
    const least = (device.view(values) as Float32Array).reduce((a, b) => Math.min(a, b));
    if (!(least > 0)) return undefined;
    const above = screenActive(inputs, { threshold: device.tensor(Float32Array.of(least), [1]) });
    if (above.index.size < k * B) return undefined;
    const row = device.empty("u32", [above.index.size]);
    const [rows, starts] = [device.view(row), device.view(above.rowStart)];
    for (let b = 0; b < B; b++) rows.fill(b, starts[b], starts[b + 1]);
    return topOfBatch(device.empty("f32", [0, inputs.encoder.shape[0]]), { row, column: above.index, values: above.values }, { n: k * B, at: B });
  });
}
