import { type Tensor } from "@dictlearn/kernels";
import { type Dictionary } from "./dictionary.js";
import { DictionaryError } from "./error.js";

/** How well a dictionary describes activations, under the names of dictionary_learning's `evaluate`. */
export interface ActivationMetrics {
  /** Mean of |x - x̂|; not squared. */
  l2_loss: number;
  /** Mean of the sum of |f|. */
  l1_loss: number;
  /** Mean number of features that are not 0. */
  l0: number;
  /** 1 - (variance of x - x̂) / (variance of x), variances summed over D; a constant error does not count. */
  frac_variance_explained: number;
  /** Mean of the cosine between x and x̂. */
  cossim: number;
  /** Mean of |x̂| / |x|. */
  l2_ratio: number;
  /** Mean |x̂|² / mean x·x̂: below 1 where reconstructions are too small. */
  relative_reconstruction_bias: number;
}

/** What `evaluate` says: means over batches, and the share of features that were active in any. */
export interface DictionaryMetrics extends ActivationMetrics {
  frac_alive: number;
}

/** Rows of a batch's sparse features, as `SparseFeatures.read` gives them. */
interface FeatureRows {
  readonly index: Uint32Array;
  readonly values: Float32Array;
}

/** Adds up one batch, part by part, in float64. */
export class BatchSums {
  readonly #x: { sum: Float64Array; squares: number };
  readonly #residual: { sum: Float64Array; squares: number };
  #rows = 0;
  #distance = 0;
  #l1 = 0;
  #active = 0;
  #cosine = 0;
  #ratio = 0;
  #reconstructionSquares = 0;
  #products = 0;

  constructor(readonly D: number) {
    this.#x = { sum: new Float64Array(D), squares: 0 };
    this.#residual = { sum: new Float64Array(D), squares: 0 };
  }

  /** @param x f32[B,D] @param xHat f32[B,D] */
  add(x: Float32Array, xHat: Float32Array, { values }: FeatureRows): void {
    const { D } = this;
    for (let start = 0; start < x.length; start += D) {
      let [xx, yy, xy, rr] = [0, 0, 0, 0];
      for (let d = 0; d < D; d++) {
        const [a, b] = [x[start + d], xHat[start + d]];
        this.#x.sum[d] += a;
        this.#residual.sum[d] += a - b;
        xx += a * a;
        yy += b * b;
        xy += a * b;
        rr += (a - b) ** 2;
      }
      this.#x.squares += xx;
      this.#residual.squares += rr;
      this.#reconstructionSquares += yy;
      this.#products += xy;
      this.#distance += Math.sqrt(rr);
      this.#cosine += xy / Math.sqrt(xx * yy);
      this.#ratio += Math.sqrt(yy / xx);
    }
    this.#rows += x.length / D;
    for (const value of values) {
      this.#l1 += Math.abs(value);
      if (value !== 0) this.#active++;
    }
  }

  metrics(): ActivationMetrics {
    const B = this.#rows;
    const variance = ({ sum, squares }: { sum: Float64Array; squares: number }) => squares - sum.reduce((total, s) => total + (s * s) / B, 0); // × (B - 1)
    return {
      l2_loss: this.#distance / B,
      l1_loss: this.#l1 / B,
      l0: this.#active / B,
      frac_variance_explained: 1 - variance(this.#residual) / variance(this.#x),
      cossim: this.#cosine / B,
      l2_ratio: this.#ratio / B,
      relative_reconstruction_bias: this.#reconstructionSquares / this.#products,
    };
  }
}

/** Which features have been active, and on how many rows. */
export class AliveFeatures {
  /** Rows that each feature was active on, [F]. */
  readonly counts: Float64Array;
  constructor(F: number) {
    this.counts = new Float64Array(F);
  }
  add({ index, values }: FeatureRows): void {
    index.forEach((feature, i) => values[i] !== 0 && this.counts[feature]++);
  }
  get fraction(): number {
    return this.counts.reduce((sum, count) => sum + (count > 0 ? 1 : 0), 0) / this.counts.length;
  }
}

/** The mean of each member. */
export function meanMetrics<M extends object>(batches: readonly M[]): M {
  const names = Object.keys(batches[0]) as (keyof M)[];
  return Object.fromEntries(names.map((name) => [name, batches.reduce((sum, batch) => sum + (batch[name] as number), 0) / batches.length])) as M;
}

/** @throws DictionaryError UNSUPPORTED for a transcoder: what it decodes is not x again */
export function expectAutoEncoder({ kind, D, output }: Dictionary): void {
  if (output) throw new DictionaryError("UNSUPPORTED", `${kind}: expected an autoencoder, which gives its activations again, got a transcoder (${D} to ${output.D})`, "its features can be read; its reconstruction belongs to another site");
}

/**
 * How well a dictionary describes batches of activations. Losses of the model with the reconstruction in place are
 * `evaluate` of the package dictlearn.
 * @param batches f32[B,D] each; they are not disposed
 * @throws DictionaryError UNSUPPORTED for a transcoder
 * @see dictionary_learning/evaluation.py, `evaluate`
 */
export async function evaluateActivations(dictionary: Dictionary, batches: AsyncIterable<Tensor> | Iterable<Tensor>): Promise<DictionaryMetrics> {
  expectAutoEncoder(dictionary);
  const alive = new AliveFeatures(dictionary.F);
  const all: ActivationMetrics[] = [];
  for await (const x of batches) {
    const sums = new BatchSums(dictionary.D);
    const [features, xHat] = await dictionary.device.scope(() => {
      const f = dictionary.encode(x);
      return Promise.all([f.read(), dictionary.decode(f, x).read()]);
    });
    sums.add((await x.read()) as Float32Array, xHat as Float32Array, features);
    alive.add(features);
    all.push(sums.metrics());
  }
  return { ...meanMetrics(all), frac_alive: alive.fraction };
}
