import { sub, SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { type Dictionary } from "@dictlearn/sae";

/**
 * What one unit of each feature adds to the reconstruction: the decoder's rows, of any dictionary that decodes linearly.
 * Where it normalises its input first, of an activation of mean square 1.
 * @returns f32[F,O]; the caller disposes it
 */
export function featureDirections(dictionary: Dictionary): Tensor {
  const { device, D, F } = dictionary;
  const O = dictionary.output?.D ?? D;
  const one = (B: number, active: number) =>
    new SparseFeatures([B, F], device.tensor(Uint32Array.from({ length: B + 1 }, (_, b) => b * active), [B + 1]), device.tensor(Uint32Array.from({ length: Math.max(1, B * active) }, (_, b) => b), [Math.max(1, B * active)]), device.tensor(new Float32Array(Math.max(1, B * active)).fill(1), [Math.max(1, B * active)]));
  const plain = (B: number) => device.tensor(Float32Array.from({ length: B * D }, (_, i) => ((i % D) % 2 ? -1 : 1)), [B, D]); // of mean 0, but for an odd D
  return device.keep(device.scope(() => sub(dictionary.decode(one(F, 1), plain(F)), dictionary.decode(one(1, 0), plain(1)).reshape([O]))));
}
