import { add, div, meanRows, mul, normRows, scale, shift, sub, type Tensor } from "@dictlearn/kernels";
import { type Dictionary } from "./dictionary.js";
import { DictionaryError } from "./error.js";

/** Normalisations of each row of x, by their names in SAELens. What a row is divided by depends on it, so no weight can hold it. */
export type InputNorm = keyof typeof norms;

/** Of x f32[B,D]: what is taken from each row, if anything, and what that is then divided by for going in, multiplied by for coming out: f32[B,1] each. */
interface RowNorm {
  mean?: Tensor;
  into: Tensor;
  outOf: Tensor;
}

const norms = {
  /** (x - mean) / (std + 1e-5), with the std of D - 1; x̂ · std + mean */
  layer_norm(x: Tensor): RowNorm {
    const [B, D] = x.shape;
    const mean = meanRows(x).reshape([B, 1]);
    const std = scale(normRows(sub(x, mean)), 1 / Math.sqrt(D - 1)).reshape([B, 1]);
    return { mean, into: shift(std, 1e-5), outOf: std };
  },
  /** x · √D / |x|; x̂ · |x| / √D */
  constant_norm_rescale(x: Tensor): RowNorm {
    const [B, D] = x.shape;
    const length = scale(normRows(x), 1 / Math.sqrt(D)).reshape([B, 1]);
    return { into: length, outOf: length };
  },
};

export const inputNorms = Object.keys(norms) as readonly InputNorm[];

/** The dictionary on normalised rows: what it decodes has each row's mean and size again, for which it needs x. */
export function normalizedInput(inner: Dictionary, name: InputNorm): Dictionary {
  const { device, kind } = inner;
  return {
    ...inner,
    encode: (x) =>
      device.scope(() => {
        const { mean, into } = norms[name](x);
        return inner.encode(div(mean ? sub(x, mean) : x, into));
      }),
    decode(features, x) {
      if (!x) throw new DictionaryError("USAGE", `${kind}: expected x beside the features (${name}), got features alone`, "decode(features, x)");
      return device.scope(() => {
        const { mean, outOf } = norms[name](x);
        const xHat = mul(inner.decode(features), outOf);
        return mean ? add(xHat, mean) : xHat;
      });
    },
  };
}
