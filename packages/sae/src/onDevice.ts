import { copyRowsInto, decodeSparse, mul, sub, transpose, type Device, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { Decoder } from "./decoder.js";
import { type Dictionary } from "./dictionary.js";
import { DictionaryError } from "./error.js";
import { Columns, rowsOf, type Matrix } from "./matrix.js";

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
 * @param encode x f32[B,D] and the weights on the device → features [B,F]; what it makes on the way is freed
 */
export function onDevice<V extends string>(
  device: Device,
  kind: string,
  { encoder, decoder, decoderBias }: Weights,
  vectors: Readonly<Record<V, Float32Array>>,
  how: { readonly centred: boolean; readonly used?: number },
  encode: (x: Tensor, weights: Readonly<Record<V | "encoder", Tensor>>) => SparseFeatures,
): Dictionary {
  const O = decoderBias.length;
  const F = decoder.length / O;
  if (!Number.isInteger(F)) throw new DictionaryError("SHAPE", `${kind}: expected a decoder of rows of ${O}, got ${decoder.length} numbers (decoderBias is f32[${O}])`);
  const used = how.used ?? F;
  const D = encoder.length / used;
  if (!Number.isInteger(D) || (how.centred && D !== O)) throw new DictionaryError("SHAPE", `${kind}: expected an encoder of ${used} rows of ${O}, got ${encoder.length} numbers (decoder is f32[${F},${O}])`);
  const up = (data: Float32Array, shape = [data.length]) => device.keep(device.tensor(data, shape));
  const small = Object.entries<Float32Array>({ ...vectors, decoderBias }).map(([name, data]) => [name, up(data)]);
  const weights = Object.fromEntries([...small, ["encoder", device.keep(upload(device, encoder, [used, D]))]]) as Record<V | "encoder" | "decoderBias", Tensor>;
  const lazy = new Decoder(device, O, F, decoder);

  return {
    kind,
    device,
    D,
    F,
    encode: (x) => device.scope(() => encode(how.centred ? sub(x, weights.decoderBias) : x, weights)),
    decode: (features) => decodeSparse(features, lazy.rows, weights.decoderBias),
    dispose() {
      for (const tensor of Object.values<Tensor>(weights)) tensor.dispose();
      lazy.dispose();
    },
  };
}

/** Columns are turned on the device, so many features at a time that both they and their rows stay in its cache. */
const turnedBytes = 2 ** 20;

/** A matrix as rows on the device, f32[F,D]. */
function upload(device: Device, matrix: Matrix, [F, D]: readonly [number, number]): Tensor {
  if (!(matrix instanceof Columns) || matrix.norms) return device.tensor(rowsOf(matrix), [F, D]);
  const rows = device.empty("f32", [F, D]);
  const width = Math.max(16, Math.floor(turnedBytes / (4 * D)));
  const room = new Float32Array(D * Math.min(F, width));
  for (let from = 0; from < F; from += width) {
    const n = Math.min(F - from, width);
    const part = room.subarray(0, D * n); //                                        f32[D,n]
    for (let d = 0; d < D; d++) part.set(matrix.data.subarray(d * F + from, d * F + from + n), d * n);
    device.scope(() => {
      const turned = transpose(device.tensor(part, [D, n])); //                      f32[n,D]
      const factors = matrix.factors?.subarray(from, from + n);
      copyRowsInto(rows, factors ? mul(turned, device.tensor(factors, [n, 1])) : turned, { at: from });
    });
  }
  return rows;
}
