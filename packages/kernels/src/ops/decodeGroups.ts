import { defineComposite } from "../defineOp.js";
import { ShapeError } from "../error.js";
import { expectShape } from "../shapes.js";
import { SparseFeatures } from "../sparse.js";
import { describe, type Tensor } from "../tensor.js";
import { sliceRows } from "./copyRows.js";
import { decodeSparse } from "./decodeSparse.js";
import { prefixOfGroups, splitRows, suffixOfGroupsInto } from "./groups.js";
import { linearAt } from "./linearAt.js";
import { overFeatures } from "./overFeatures.js";
import { sumColumns } from "./sums.js";

interface Inputs {
  rowStart: Uint32Array;
  index: Uint32Array;
  values: Float32Array;
  decoder: Float32Array;
  bias?: Float32Array;
  ends: Uint32Array;
}

/** The outputs are called by their group: "0", "1", … */
const op = defineComposite<Inputs, Record<string, Float32Array>>({
  name: "decodeGroups",
  forward({ rowStart, index, values, decoder, bias, ends }) {
    const [B, F, G] = [rowStart.size - 1, decoder.shape[0], ends.size];
    const parts = decodeSparse(new SparseFeatures([B * G, F], splitRows(rowStart, index, ends), index, values), decoder);
    return Object.fromEntries(Array.from({ length: G }, (_, g) => [g, prefixOfGroups(parts, bias, { g, G })]));
  },
  saves: ["rowStart", "index", "values", "decoder", "ends"],
  // a group's part is in its own sum and in all behind it
  vjp({ inputs: { rowStart, index, values, decoder, ends }, cotangents, needs }) {
    const { device } = rowStart;
    const [B, [F, D], G] = [rowStart.size - 1, decoder.shape as [number, number], ends.size];
    const slopes = device.empty("f32", [B * G, D]);
    for (let g = G - 1; g >= 0; g--) suffixOfGroupsInto(slopes, cotangents[g], { g, G });
    const rows = splitRows(rowStart, index, ends);
    return {
      values: needs.values && linearAt({ shape: [B * G, F], rowStart: rows, index }, slopes, decoder),
      decoder: needs.decoder && overFeatures({ shape: [B * G, F], rowStart: rows, index }).rows(values, slopes),
      bias: needs.bias && sliceRows(sumColumns(slopes.reshape([B, G * D])).reshape([G, D]), { start: 0, end: 1 }).reshape([D]),
    };
  },
});

/**
 * What the features of the first group add up to, of the first two, and so on: the reconstructions of a Matryoshka dictionary.
 * Each entry is decoded once, and its gradients are taken once.
 * @param features sparse [B,F]
 * @param decoder f32[F,D]
 * @param bias f32[D], in each of them, or none
 * @param options.groups how many features each group has, F in all
 * @returns f32[B,D] a group
 * @throws ShapeError `decodeGroups: expected groups of 4096 features in all, got 1024 + 2048`
 * @see Bussmann et al. 2025, "Learning multi-level features with Matryoshka sparse autoencoders"
 */
export function decodeGroups({ shape, rowStart, index, values }: SparseFeatures, decoder: Tensor, bias: Tensor | undefined, { groups }: { groups: readonly number[] }): Tensor[] {
  expectShape("decodeGroups", "decoder", decoder, ["f32"], [shape[1], "D"], `features are [${shape.join(",")}]`);
  if (bias) expectShape("decodeGroups", "bias", bias, ["f32"], [decoder.shape[1]], `decoder is ${describe(decoder)}`);
  let end = 0;
  const ends = Uint32Array.from(groups, (size) => (end += size));
  if (end !== shape[1] || groups.length === 0 || groups.some((size) => !(Number.isInteger(size) && size > 0))) throw new ShapeError(`decodeGroups: expected groups of ${shape[1]} features in all, got ${groups.join(" + ") || "none"}`);
  return values.device.scope(() => {
    const sums = op({ rowStart, index, values, decoder, bias, ends: values.device.tensor(ends, [ends.length]) }, {});
    return groups.map((_, g) => sums[g]);
  });
}
