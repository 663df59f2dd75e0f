import { type FeatureDetail, type FeatureExample, type TokenWeight } from "@dictlearn/report";
import { scale } from "@dictlearn/kernels";
import { type Dictionary } from "@dictlearn/sae";
import { type Model } from "../openModel.js";
import { featureDirections } from "./featureDirections.js";
import { type FeaturePass } from "./featurePass.js";
import { directWay } from "./logitLens.js";
import { nearestFeatures, type Nearest } from "./nearestFeatures.js";
import { strongest, type Strongest } from "./strongest.js";

export interface DecoderOptions {
  site: string;
  /** Tokens promoted, and as many suppressed; nearest features. */
  tokens: number;
  nearest: number;
  /** Told of rows of products that are done, of `rows` in all. */
  onRows?: (done: number, rows: number) => void;
}

/** What follows from the weights alone. */
export interface DecoderFacts {
  /** How the tokens were found, for people; undefined where the site has no direct way to the logits. */
  readonly lens: string | undefined;
  readonly promoted: Strongest | undefined;
  readonly suppressed: Strongest | undefined;
  readonly nearest: Nearest;
}

/** What the decoder's rows say: tokens by the direct way to the logits, and the features that are nearest. */
export async function decoderFacts(model: Model, dictionary: Dictionary, { site, tokens, nearest, onRows = () => {} }: DecoderOptions): Promise<DecoderFacts> {
  using directions = featureDirections(dictionary); // f32[F,O]
  const [F, O] = directions.shape;
  const writesTo = dictionary.output ? undefined : model.site(site); // a transcoder's output goes to the stream, as an MLP's does
  const way = O === model.width ? await directWay(model, writesTo) : undefined;
  const rows = F * (way ? 3 : 1);
  let done = 0;
  const count = (n: number) => onRows((done += n), rows);
  try {
    const promoted = way && (await strongest(directions, way.unembedding, tokens, count));
    using negative = dictionary.device.keep(scale(directions, -1));
    const suppressed = way && (await strongest(negative, way.unembedding, tokens, count));
    return { lens: way?.description, promoted, suppressed, nearest: await nearestFeatures(directions, nearest, count) };
  } finally {
    way?.unembedding.dispose();
  }
}

/** All that is known of the features from `start` to `end`, as plain data. */
export function featureDetails(pass: FeaturePass, facts: DecoderFacts, { start, end }: { start: number; end: number }): FeatureDetail[] {
  const { statistics } = pass;
  const { best, drawn, store, histograms } = statistics;
  const ablations = pass.ablationsBySlot();
  return Array.from({ length: end - start }, (_, i) => {
    const index = start + i;
    const count = statistics.counts[index];
    const examples = best.slots(index).map((slot): FeatureExample => {
      const ablation = ablations.get(slot);
      return { ...best.read(slot, store), ...(ablation && { ablation }) };
    });
    const taken = new Set(examples.map(({ row }) => row));
    const samples = drawn.slots(index).map((slot) => drawn.read(slot, store)).filter(({ row }) => !taken.has(row));
    return {
      index,
      count,
      max: statistics.maxima[index],
      mean: count === 0 ? 0 : statistics.sums[index] / count,
      histogram: histograms.of(index),
      examples,
      samples: samples.sort((a, b) => b.values[b.peak] - a.values[a.peak] || a.row - b.row),
      promoted: weights(facts.promoted, index, 1),
      suppressed: weights(facts.suppressed, index, -1),
      nearest: facts.nearest[index],
    };
  });
}

function weights(found: Strongest | undefined, feature: number, sign: 1 | -1): TokenWeight[] {
  if (!found) return [];
  const { k, index, values } = found;
  const all = Array.from({ length: k }, (_, i) => ({ token: index[feature * k + i], weight: sign * values[feature * k + i] }));
  return all.filter(({ weight }) => weight !== 0);
}
