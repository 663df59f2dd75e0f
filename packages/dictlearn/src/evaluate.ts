import { type Tensor } from "@dictlearn/kernels";
import { featureDensity, type FeatureDensity } from "@dictlearn/report";
import { type Neox, type PackedRows, packRows } from "@dictlearn/neox";
import { type ActivationMetrics, AliveFeatures, BatchSums, type Dictionary, type DictionaryMetrics, expectAutoEncoder, meanMetrics } from "@dictlearn/sae";
import { passFeatures } from "./sweep.js";
import { DictlearnError } from "./error.js";
import { firstTokens } from "./firstTokens.js";
import { type Model } from "./openModel.js";

/** The model's cross-entropy in nats a token, with its activations, their reconstructions, or nothing at the site. */
export interface LossMetrics {
  loss_original: number;
  loss_reconstructed: number;
  loss_zero: number;
  /** (reconstructed - zero) / (original - zero): 1 where nothing is lost, 0 where a zero would do as well. */
  frac_recovered: number;
}

/** Under the names of dictionary_learning's `evaluate`; and how often features are active. */
export type Metrics = DictionaryMetrics & LossMetrics & { feature_density: FeatureDensity };

export interface EvaluateOptions {
  /** Which activation, in any spelling that neox knows. */
  site: string;
  /** Tokens of a text that are read; default 128. */
  contextLength?: number;
  /** Texts of a batch; default 128. */
  batchSize?: number;
  /** Every measure is the mean over so many batches; default 1. */
  batches?: number;
}

/**
 * How well a dictionary describes a model's activations at a site, and how much of the model's loss its reconstructions
 * keep when they take their place at every token.
 * @param texts as `openTexts` gives them; those without tokens are left out
 * @throws DictlearnError SHAPE if the widths differ, USAGE if there are no texts; DictionaryError UNSUPPORTED for a transcoder
 * @see dictionary_learning/evaluation.py, `evaluate` and `loss_recovered`
 */
export async function evaluate(model: Model, dictionary: Dictionary, texts: AsyncIterable<{ text: string }> | Iterable<{ text: string }>, options: EvaluateOptions): Promise<Metrics> {
  const { contextLength = 128, batchSize = 128, batches = 1 } = options;
  const site = model.site(options.site);
  expectAutoEncoder(dictionary);
  if (dictionary.D !== model.width)
    throw new DictlearnError("SHAPE", `dictionary: expected D = ${model.width} (${site} of ${model.name}), got D = ${dictionary.D}`, "take a dictionary that was trained on this model");

  const alive = new AliveFeatures(dictionary.F);
  const all: (ActivationMetrics & LossMetrics)[] = [];
  let rows: Uint32Array[] = [];
  let tokens = 0;
  const measure = async () => {
    tokens += rows.reduce((sum, row) => sum + row.length, 0);
    all.push(await evaluateRows(model.neox, dictionary, packRows(rows), { site, alive }));
    rows = [];
  };
  for await (const { text } of texts) {
    const ids = firstTokens(model.tokenizer, text, Math.min(contextLength, model.contextLength));
    if (ids.length === 0) continue;
    if (rows.push(ids) === batchSize) await measure();
    if (all.length === batches) break;
  }
  if (rows.some((row) => row.length > 1)) await measure();
  if (all.length === 0) throw new DictlearnError("USAGE", "texts: expected some of two tokens or more, got none");
  return { ...meanMetrics(all), frac_alive: alive.fraction, feature_density: featureDensity(alive.counts, tokens) };
}

/** One batch: the reconstructions are made of the activations of an untouched pass. */
export async function evaluateRows(neox: Neox, dictionary: Dictionary, rows: PackedRows, { site, alive }: { site: string; alive: AliveFeatures }): Promise<ActivationMetrics & LossMetrics> {
  const { device } = neox;
  const parts: Promise<unknown>[] = [];
  const original = await neox.loss(rows, { at: { [site]: (x: Tensor) => void parts.push(x.read()) } });
  const clean = (await Promise.all(parts)) as Float32Array[]; // f32[N,D], as the pass was split

  const sums = new BatchSums(dictionary.D);
  const reconstructions: Float32Array[] = [];
  for (const x of clean) {
    const xHat = new Float32Array(x.length);
    const step = dictionary.D * Math.max(1, Math.floor(passFeatures / dictionary.F));
    for (let start = 0; start < x.length; start += step) {
      const piece = x.subarray(start, start + step);
      const [features, decoded] = await device.scope(() => {
        const rows = device.tensor(piece, [piece.length / dictionary.D, dictionary.D]);
        const f = dictionary.encode(rows);
        return Promise.all([f.read(), dictionary.decode(f, rows).read() as Promise<Float32Array>]);
      });
      sums.add(piece, decoded, features);
      alive.add(features);
      xHat.set(decoded, start);
    }
    reconstructions.push(xHat);
  }

  const lossWith = async (replacement: (shape: readonly number[], part: number) => Tensor) => {
    let part = 0;
    return (await neox.loss(rows, { at: { [site]: (x) => replacement(x.shape, part++) } })).loss;
  };
  const reconstructed = await lossWith((shape, part) => device.tensor(reconstructions[part], [...shape]));
  const zero = await lossWith((shape) => device.tensor(new Float32Array(shape[0] * shape[1]), [...shape]));
  return {
    ...sums.metrics(),
    loss_original: original.loss,
    loss_reconstructed: reconstructed,
    loss_zero: zero,
    frac_recovered: (reconstructed - zero) / (original.loss - zero),
  };
}
