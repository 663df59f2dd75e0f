import { decodeSparse, type Device, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { Decoder } from "./decoder.js";
import { type Dictionary } from "./dictionary.js";
import { DictionaryError } from "./error.js";
import { rowsOf, type Matrix } from "./matrix.js";

/** What every dictionary here has; the rest are vectors. */
interface Weights {
  readonly encoder: Matrix; //           f32[F,D]
  readonly decoder: Matrix; //           f32[F,D]
  readonly decoderBias: Float32Array; // f32[D]
}

/**
 * A dictionary that decodes as x̂ = f · decoder + decoderBias, from weights on the host.
 * @param vectors what `encode` needs besides the encoder: f32[n] each
 * @param encode x f32[B,D] and the weights on the device → features [B,F]; what it makes on the way is freed
 */
export function onDevice<V extends string>(
  device: Device,
  kind: string,
  { encoder, decoder, decoderBias }: Weights,
  vectors: Readonly<Record<V, Float32Array>>,
  encode: (x: Tensor, weights: Readonly<Record<V | "encoder" | "decoderBias", Tensor>>) => SparseFeatures,
): Dictionary {
  const D = decoderBias.length;
  const F = decoder.length / D;
  if (!Number.isInteger(F)) throw new DictionaryError("SHAPE", `${kind}: expected a decoder of rows of ${D}, got ${decoder.length} numbers (decoderBias is f32[${D}])`);
  const up = (data: Float32Array, shape = [data.length]) => device.keep(device.tensor(data, shape));
  const small = Object.entries<Float32Array>({ ...vectors, decoderBias }).map(([name, data]) => [name, up(data)]);
  const weights = Object.fromEntries([...small, ["encoder", up(rowsOf(encoder), [encoder.length / D, D])]]) as Record<V | "encoder" | "decoderBias", Tensor>;
  const lazy = new Decoder(device, D, F, decoder);

  return {
    kind,
    device,
    D,
    F,
    encode: (x) => device.scope(() => encode(x, weights)),
    decode: (features) => decodeSparse(features, lazy.rows, weights.decoderBias),
    dispose() {
      for (const tensor of Object.values<Tensor>(weights)) tensor.dispose();
      lazy.dispose();
    },
  };
}
