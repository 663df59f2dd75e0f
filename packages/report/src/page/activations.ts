import { fromBase64 } from "./base64.js";
import { type SentencesData } from "./sentencesData.js";

export interface FeatureValue {
  feature: number;
  value: number;
}

/** What the page keeps of the tokens' features, by feature and by token. */
export class Activations {
  /** u32[T] how many features are active on each token */
  readonly l0: Uint32Array;
  readonly #features: readonly number[];
  /** Where each feature's activations begin, and the last one's end: [K+1]. */
  readonly #starts: Uint32Array;
  readonly #places: Uint16Array;
  readonly #values: Float32Array;
  /** Where each token's begin, [T+1], and which they are: [N], numbers of activations. */
  readonly #tokenStarts: Uint32Array;
  readonly #ofToken: Uint32Array;

  constructor({ features, counts, places, values, l0 }: Pick<SentencesData, "features" | "counts" | "places" | "values" | "l0">) {
    this.l0 = new Uint32Array(fromBase64(l0));
    this.#features = features;
    this.#starts = startsOf(counts);
    this.#places = new Uint16Array(fromBase64(places));
    this.#values = new Float32Array(fromBase64(values));
    const many = new Uint32Array(this.l0.length);
    for (const place of this.#places) many[place]++;
    this.#tokenStarts = startsOf(many);
    const next = this.#tokenStarts.slice();
    this.#ofToken = new Uint32Array(this.#places.length);
    this.#places.forEach((place, i) => (this.#ofToken[next[place]++] = i));
  }

  /** Where a feature is active and how strongly: nowhere if it is not kept. */
  of(feature: number): { place: number; value: number }[] {
    const k = this.#features.indexOf(feature);
    if (k < 0) return [];
    const places = this.#places.subarray(this.#starts[k], this.#starts[k + 1]);
    return Array.from(places, (place, i) => ({ place, value: this.#values[this.#starts[k] + i] }));
  }

  /** The n strongest of the features that are kept, on a token. */
  at(token: number, n: number): FeatureValue[] {
    const all = Array.from(this.#ofToken.subarray(this.#tokenStarts[token], this.#tokenStarts[token + 1]), (i) => ({ feature: this.#features[this.#featureAt(i)], value: this.#values[i] }));
    return all.sort((a, b) => b.value - a.value || a.feature - b.feature).slice(0, n);
  }

  /** Whose the i-th activation is. */
  #featureAt(i: number): number {
    let [low, high] = [0, this.#features.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle] <= i) low = middle;
      else high = middle;
    }
    return low;
  }
}

function startsOf(counts: ArrayLike<number>): Uint32Array {
  const starts = new Uint32Array(counts.length + 1);
  for (let i = 0; i < counts.length; i++) starts[i + 1] = starts[i] + counts[i];
  return starts;
}
