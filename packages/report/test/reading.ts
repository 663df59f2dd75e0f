import { seededNormal, seededUniform } from "@dictlearn/testing";
import { sparseStatistics, statistics, topFeatures, type Reading, type SparseRow } from "../src/index.js";

export interface SeededReading {
  sentences?: number;
  /** tokens of a sentence: up to so many */
  tokens?: number;
  D?: number;
  F?: number;
  /** features of a token */
  l0?: number;
  /** what the sentences say; the others are made up */
  texts?: readonly string[];
}

const words = "the of harvest river peace committee roads children treaty spring family farm bank town nation wages rain".split(" ");

/** A reading that no model made: sentences of three groups, whose tokens have features of their group, and others. */
export function seededReading(seed: number, { sentences: S = 12, tokens: most = 20, D = 16, F = 200, l0 = 6, texts = [] }: SeededReading = {}): Reading {
  const lengths = seededUniform(seed, S);
  const sentences = Array.from({ length: S }, (_, s) => {
    const group = s % 3;
    const uniform = seededUniform(seed * 7919 + s, 4 * most * l0);
    const pieces = texts[s] === undefined ? undefined : (texts[s].match(/\s?[^\s]{1,6}|\s/gu) ?? []);
    const T = pieces ? pieces.length : 1 + Math.floor(lengths[s] * most);
    const perToken = Array.from({ length: T }, (_, t) => ({
      id: t,
      text: pieces ? pieces[t] : (t ? " " : "") + words[(s * 31 + t * 7) % words.length],
      features: rowOf(new Map(Array.from({ length: l0 }, (_, k): [number, number] => {
        const [which, strength] = [uniform[(4 * (t * l0 + k)) % uniform.length], uniform[(4 * (t * l0 + k) + 1) % uniform.length]];
        return [k % 2 ? group * 10 + Math.floor(which * 10) : 30 + Math.floor(which * (F - 30)), (k % 2 ? 2 : 1) * strength + 0.01];
      }))),
    }));
    const activation = T === 0 ? new Float32Array(0) : seededNormal(seed * 104729 + s, D).map((value, d) => value + 3 * Math.cos(d * (group + 1)));
    const sums = new Map<number, number>();
    for (const { features } of perToken) for (let k = 0; k < features.index.length; k++) sums.set(features.index[k], (sums.get(features.index[k]) ?? 0) + features.values[k]);
    const features = rowOf(new Map([...sums].map(([feature, sum]): [number, number] => [feature, sum / T]).filter(([, mean]) => mean > 0.1)));
    const sparse = T === 0 ? { ...statistics([]), l0: null } : sparseStatistics(features, F);
    return { sentence: pieces ? texts[s] : perToken.map(({ text }) => text).join(""), tokens: T, original: statistics(activation), sparse, top: topFeatures(features, 3), activation, features, perToken };
  });
  return { model: "model", dictionary: "dictionary", site: "layers.3.mlp_out", pooling: "mean", device: "cpu", D, F, metrics: { tokens: 100, l0, frac_variance_explained: 0.8123456789, cossim: 0.9 }, sentences };
}

function rowOf(values: ReadonlyMap<number, number>): SparseRow {
  const index = Uint32Array.from([...values.keys()].sort((a, b) => a - b));
  return { index, values: Float32Array.from(index, (feature) => values.get(feature)!) };
}
