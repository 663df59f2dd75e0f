import { type Tensor } from "@dictlearn/kernels";
import { featureDensity, type FeatureDensity } from "@dictlearn/report";
import { type Neox, type PackedRows, packRows } from "@dictlearn/neox";
import { type ActivationMetrics, AliveFeatures, BatchSums, type Dictionary, type DictionaryMetrics, expectAutoEncoder, meanMetrics } from "@dictlearn/sae";
import { encodePieces } from "./encodePieces.js";
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

export interface EvaluateEachOptions {
  /** Tokens of a text that are read; default 128. */
  contextLength?: number;
  /** Texts of a batch; default 128. */
  batchSize?: number;
  /** Every measure is the mean over so many batches; default 1. */
  batches?: number;
  /** Called with the tokens so far when a batch of them is done. */
  onTokens?: (tokens: number) => void;
}

export interface EvaluateOptions extends EvaluateEachOptions {
  /** Which activation, in any spelling that neox knows. */
  site: string;
}

/** A dictionary, and the site that it is of. */
export interface Evaluand {
  readonly dictionary: Dictionary;
  readonly site: string;
}

/** Texts of a batch where all texts are to be measured: a pass of 2^14 tokens. */
export const evaluationBatch = (contextLength: number): number => Math.max(1, Math.floor(2 ** 14 / contextLength));

/**
 * How well a dictionary describes a model's activations at a site, and how much of the model's loss its reconstructions
 * keep when they take their place at every token.
 * @param texts as `openTexts` gives them; those without tokens are left out
 * @throws DictlearnError SHAPE if the widths differ, USAGE if there are no texts; DictionaryError UNSUPPORTED for a transcoder
 * @see dictionary_learning/evaluation.py, `evaluate` and `loss_recovered`
 */
export async function evaluate(model: Model, dictionary: Dictionary, texts: AsyncIterable<{ text: string }> | Iterable<{ text: string }>, { site, ...options }: EvaluateOptions): Promise<Metrics> {
  const [metrics] = await evaluateEach(model, [{ dictionary, site }], texts, options);
  return metrics;
}

/** Several dictionaries, of any sites, on the same texts: the passes without reconstructions are shared. @throws as `evaluate` */
export async function evaluateEach(model: Model, evaluands: readonly Evaluand[], texts: AsyncIterable<{ text: string }> | Iterable<{ text: string }>, options: EvaluateEachOptions = {}): Promise<Metrics[]> {
  const { contextLength = 128, batchSize = 128, batches = 1, onTokens } = options;
  const measured = evaluands.map(({ dictionary, site: spelling }) => {
    const site = model.site(spelling);
    expectAutoEncoder(dictionary);
    if (dictionary.D !== model.width)
      throw new DictlearnError("SHAPE", `dictionary: expected D = ${model.width} (${site} of ${model.name}), got D = ${dictionary.D}`, "take a dictionary that was trained on this model");
    return { dictionary, site, alive: new AliveFeatures(dictionary.F) };
  });

  const all: (ActivationMetrics & LossMetrics)[][] = [];
  let rows: Uint32Array[] = [];
  let tokens = 0;
  const measure = async () => {
    tokens += rows.reduce((sum, row) => sum + row.length, 0);
    all.push(await evaluateRows(model.neox, measured, packRows(rows)));
    rows = [];
    onTokens?.(tokens);
  };
  for await (const { text } of texts) {
    const ids = firstTokens(model.tokenizer, text, Math.min(contextLength, model.contextLength));
    if (ids.length === 0) continue;
    if (rows.push(ids) === batchSize) await measure();
    if (all.length === batches) break;
  }
  if (rows.some((row) => row.length > 1)) await measure();
  if (all.length === 0) throw new DictlearnError("USAGE", "texts: expected some of two tokens or more, got none");
  return measured.map(({ alive }, i) => ({ ...meanMetrics(all.map((batch) => batch[i])), frac_alive: alive.fraction, feature_density: featureDensity(alive.counts, tokens) }));
}

/** One batch: the reconstructions are made of the activations of an untouched pass. */
export async function evaluateRows(neox: Neox, evaluands: readonly (Evaluand & { readonly alive: AliveFeatures })[], rows: PackedRows): Promise<(ActivationMetrics & LossMetrics)[]> {
  const sites = [...new Set(evaluands.map(({ site }) => site))];
  const reads: Record<string, Promise<unknown>[]> = Object.fromEntries(sites.map((site) => [site, []]));
  const original = await neox.loss(rows, { at: Object.fromEntries(sites.map((site) => [site, (x: Tensor) => void reads[site].push(x.read())])) });
  const clean: Record<string, Float32Array[]> = {}; // f32[N,D], as the pass was split
  for (const site of sites) clean[site] = (await Promise.all(reads[site])) as Float32Array[];

  const lossWith = async (site: string, replacement: (shape: readonly number[], part: number) => Float32Array) => {
    let part = 0;
    return (await neox.loss(rows, { at: { [site]: (x) => neox.device.tensor(replacement(x.shape, part++), [...x.shape]) } })).loss;
  };
  const zero: Record<string, number> = {};
  for (const site of sites) zero[site] = await lossWith(site, ([N, D]) => new Float32Array(N * D));

  const metrics: (ActivationMetrics & LossMetrics)[] = [];
  for (const { dictionary, site, alive } of evaluands) {
    const { sums, reconstructions } = await reconstruct(dictionary, clean[site], alive);
    const reconstructed = await lossWith(site, (_, part) => reconstructions[part]);
    metrics.push({
      ...sums.metrics(),
      loss_original: original.loss,
      loss_reconstructed: reconstructed,
      loss_zero: zero[site],
      frac_recovered: (reconstructed - zero[site]) / (original.loss - zero[site]),
    });
  }
  return metrics;
}

/** @param clean parts f32[N,D] @returns x̂ f32[N,D] of each, and what was summed over all */
async function reconstruct(dictionary: Dictionary, clean: readonly Float32Array[], alive: AliveFeatures): Promise<{ sums: BatchSums; reconstructions: Float32Array[] }> {
  const sums = new BatchSums(dictionary.D);
  const reconstructions: Float32Array[] = [];
  for (const x of clean) {
    const xHat = new Float32Array(x.length);
    for await (const { x: piece, start, features, decoded } of encodePieces(dictionary, x, { decode: true })) {
      sums.add(piece, decoded!, features);
      alive.add(features);
      xHat.set(decoded!, start);
    }
    reconstructions.push(xHat);
  }
  return { sums, reconstructions };
}
