import { CpuDevice } from "../cpu/cpuDevice.js";
import { defineComposite } from "../defineOp.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { embedding } from "./embedding.js";
import { encoderSlopes, expectEncoder, expectK, expectRoom, type EncoderInputs, type Entries } from "./encoder.js";
import { screens, screenTopK } from "./screenTopK.js";
import { topKOfTiles } from "./topK.js";
import { whereActive } from "./whereActive.js";

const encode = defineComposite<EncoderInputs<Float32Array> & { dead: Uint32Array }, Entries<Float32Array, Uint32Array>, { k: number }>({
  name: "encodeTopKDead",
  forward({ x, encoder, bias, dead }, { k }) {
    const { device } = x;
    if (!(device instanceof CpuDevice)) return topKOfTiles({ x, encoder, bias }, k, { mask: dead });
    // who is dead is known here: only those are computed
    const ids = Uint32Array.from((device.view(dead) as Uint32Array).keys()).filter((f) => device.view(dead)[f]);
    const K = Math.min(k, ids.length);
    if (K === 0) return { rowStart: device.zeros([x.shape[0] + 1], "u32"), index: device.empty("u32", [0]), values: device.empty("f32", [0]) };
    const names = device.tensor(ids, [ids.length]);
    const few = { x, encoder: embedding(encoder, names), bias: embedding(bias.reshape([bias.size, 1]), names).reshape([ids.length]) };
    // where more are wanted, computing the candidates takes what screening saves
    if (16 * K <= ids.length && screens(few, K)) {
      const features = screenTopK(few, K);
      const index = device.view(features.index) as Uint32Array;
      for (let e = 0; e < index.length; e++) index[e] = ids[index[e]!]!; // ids ascend, so the order stays
      return features;
    }
    return topKOfTiles(few, K, { names });
  },
  saves: ["x", "encoder", "rowStart", "index", "values"],
  vjp: ({ inputs, outputs, cotangents, needs }) => encoderSlopes(inputs, outputs, whereActive(outputs.values, cotangents.values), needs),
});

/**
 * The k largest of relu(x encoderᵀ + bias) among dead features, for auxiliary losses that revive them: all of them where there
 * are fewer than k, which the device finds out by itself. Equal ones go to the lower feature.
 * @param x f32[B,D]
 * @param encoder f32[F,D]
 * @param bias f32[F]
 * @param dead u32[F]: not 0 where a feature is dead, as `atLeast` gives it
 * @param options.k 1..F
 * @returns sparse features [B,F], min(k, dead features) a row
 * @see Gao et al. 2024, "Scaling and evaluating sparse autoencoders", §A.2
 */
export function encodeTopKDead(x: Tensor, encoder: Tensor, bias: Tensor, dead: Tensor, { k }: { k: number }): SparseFeatures {
  expectEncoder("encodeTopKDead", { x, encoder, bias });
  expectShape("encodeTopKDead", "dead", dead, ["u32"], [encoder.shape[0]], `encoder is ${describe(encoder)}`);
  expectK("encodeTopKDead", k, encoder.shape[0]);
  expectRoom("encodeTopKDead", { x, encoder }, k);
  const { rowStart, index, values } = encode({ x, encoder, bias, dead }, { k });
  return new SparseFeatures([x.shape[0], encoder.shape[0]], rowStart, index, values);
}
