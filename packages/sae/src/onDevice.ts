import { decodeSparse, joinFeatures, sub, type Device, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { Decoder } from "./decoder.js";
import { type Dictionary } from "./dictionary.js";
import { Encoder, type Part } from "./encoder.js";
import { DictionaryError } from "./error.js";
import { type Matrix } from "./matrix.js";

/** What every dictionary here has; the rest are vectors. O is D, but for a transcoder. */
interface Weights {
  readonly encoder: Matrix; //           f32[F,D]
  readonly decoder: Matrix; //           f32[F,O]
  readonly decoderBias: Float32Array; // f32[O]
}

/**
 * A dictionary that decodes as x̂ = f · decoder + decoderBias, from weights on the host.
 * @param vectors what `encode` needs besides the encoder: f32[n] each
 * @param how.centred whether decoderBias is taken from x first
 * @param how.used features that have a row in the encoder; default all
 * @param how.apart whether each feature is encoded without regard to the others
 * @param encode x f32[B,D] and the weights on the device → features [B,F]; what it makes on the way is freed
 */
export function onDevice<V extends string>(
  device: Device,
  kind: string,
  { encoder, decoder, decoderBias }: Weights,
  vectors: Readonly<Record<V, Float32Array>>,
  how: { readonly centred: boolean; readonly used?: number; readonly apart?: boolean },
  encode: (x: Tensor, weights: Readonly<Record<V | "encoder", Tensor>>) => SparseFeatures,
): Dictionary {
  const O = decoderBias.length;
  const F = decoder.length / O;
  if (!Number.isInteger(F)) throw new DictionaryError("SHAPE", `${kind}: expected a decoder of rows of ${O}, got ${decoder.length} numbers (decoderBias is f32[${O}])`);
  const used = how.used ?? F;
  const D = encoder.length / used;
  if (!Number.isInteger(D) || (how.centred && D !== O)) throw new DictionaryError("SHAPE", `${kind}: expected an encoder of ${used} rows of ${O}, got ${encoder.length} numbers (decoder is f32[${F},${O}])`);
  const up = (data: Float32Array, shape = [data.length]) => device.keep(device.tensor(data, shape));
  const small = Object.fromEntries(Object.entries<Float32Array>({ ...vectors, decoderBias }).map(([name, data]) => [name, up(data)])) as Record<V | "decoderBias", Tensor>;
  const rows = new Encoder(device, encoder, used, D);
  const lazy = new Decoder(device, O, F, decoder);
  /** Of vectors with a number a feature those of a part. */
  const ofPart = ({ start, end }: Part) => Object.fromEntries(Object.entries<Float32Array>(vectors).map(([name, data]) => [name, data.length === used ? device.tensor(data.subarray(start, end), [end - start]) : small[name as V]])) as Record<V, Tensor>;

  const expectLive = () => {
    if (small.decoderBias.disposed) throw new DictionaryError("DISPOSED", `${kind}: expected a live dictionary, got one after dispose()`);
  };

  return {
    kind,
    device,
    D,
    F,
    encode: (x) =>
      device.scope(() => {
        expectLive();
        const centred = how.centred ? sub(x, small.decoderBias) : x;
        const parts = how.apart && x.shape[1] === D && rows.once(x.shape[0], (part) => encode(centred, { ...ofPart(part), encoder: part.rows }));
        return parts ? joinFeatures(parts) : encode(centred, { ...small, encoder: rows.rows });
      }),
    decode(features) {
      expectLive();
      return decodeSparse(features, lazy.rows, small.decoderBias);
    },
    dispose() {
      for (const tensor of Object.values<Tensor>(small)) tensor.dispose();
      rows.dispose();
      lazy.dispose();
    },
  };
}
