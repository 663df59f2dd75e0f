import { type Tensor } from "@dictlearn/kernels";
import { type Hook, type MeanHook, type PackedRows, packRows } from "@dictlearn/neox";
import { type ReadingMetrics, type SentenceDetail, type SentenceReport, type SparseRow, emptySparseStatistics, sparseStatistics, statistics, topFeatures } from "@dictlearn/report";
import { BatchSums, type Dictionary } from "@dictlearn/sae";
import { encodePieces, passFeatures } from "./encodePieces.js";
import { DictlearnError } from "./error.js";
import { type Model } from "./openModel.js";
import { type Pooling, poolers } from "./pooling.js";
import { batches, longestOf, tokenized, type TokenizedSentence } from "./sentenceBatches.js";
import { reopenable, type SentenceSource } from "./sentenceSource.js";

/** A dictionary, and the activation that it is to read. */
export interface SiteDictionary {
  /** `layers.3.mlp_out`, in any spelling that neox knows. */
  site: string;
  dictionary: Dictionary;
}

export interface SweepOptions {
  /** How the activations of a sentence become one vector; default "mean". */
  pooling?: Pooling;
  /** How many of the strongest features to name; default 0. */
  top?: number;
  /** Rows are `SentenceDetail`: also the vectors, and every token with its own features. Takes a pass through the dictionary for each token. */
  details?: boolean;
  /** Also measure how well the dictionaries describe the tokens that are read, for `metrics()` and the `metrics` of details. */
  measured?: boolean;
  /** Told of what a caller may want to know, such as a sentence that was cut. */
  onNotice?: (notice: string) => void;
}

/** For each sentence its rows, one for each dictionary, in the order that these were given. */
export interface Sweep<Row> extends AsyncGenerator<Row[], void> {
  /**
   * Over all tokens that have been read, for each dictionary; null for a transcoder, and before any token.
   * The sums of dictionary_learning's `evaluate` with all tokens as one batch. @throws DictlearnError USAGE unless `measured`
   */
  metrics(): (ReadingMetrics | null)[];
}

/**
 * Sentences read at several sites, or with several dictionaries, in one pass over the model: what `analyse` gives for
 * each alone. Of a stream no more is held than the batch that is being read.
 * @throws at once, not while iterating: DictlearnError SHAPE if widths differ, USAGE for a stream that would have to be read twice; NeoxError USAGE for an unknown site
 */
export function sweep(model: Model, readings: readonly SiteDictionary[], sentences: SentenceSource, options: SweepOptions & { details: true }): Sweep<SentenceDetail>;
export function sweep(model: Model, readings: readonly SiteDictionary[], sentences: SentenceSource, options?: SweepOptions): Sweep<SentenceReport>;
export function sweep(model: Model, readings: readonly SiteDictionary[], sentences: SentenceSource, options: SweepOptions = {}): Sweep<SentenceReport> {
  if (readings.length === 0) throw new DictlearnError("USAGE", "readings: expected one or more sites with their dictionaries, got none");
  const readers = readings.map(({ site, dictionary }) => new Reader(model, model.site(site), dictionary, options));
  const { pooling = "mean" } = options;
  const rows = rowsOf(model, readers, reopenable(sentences, pooling), { ...options, pooling });
  return Object.assign(rows, {
    metrics() {
      if (!options.measured) throw new DictlearnError("USAGE", "metrics: expected a sweep with measured: true, got one without");
      return readers.map((reader) => reader.metrics());
    },
  });
}

async function* rowsOf(model: Model, readers: readonly Reader[], open: ReturnType<typeof reopenable>, { pooling, details = false, measured = false, onNotice }: SweepOptions & { pooling: Pooling }): AsyncGenerator<SentenceReport[], void> {
  const length = pooling === "padded-mean" ? await longestOf(model, open()) : undefined;
  const rows = Math.max(1, Math.floor(passFeatures / Math.max(...readers.map(({ dictionary }) => dictionary.F))));
  for await (const batch of batches(tokenized(model, open(), onNotice), { rows, length })) {
    const read = batch.filter(({ ids }) => ids.length > 0); // without tokens there is nothing to average
    const activations = await activationsAt(model, readers.map(({ site }) => site), read.map(({ ids }) => ids), { pooling, length, everyToken: details || measured });
    const found: SentenceReport[][] = [];
    for (const reader of readers) found.push(await reader.rows(read, activations.get(reader.site)!));
    let r = 0;
    for (const { sentence, ids } of batch) {
      yield found.map((rows) => (ids.length === 0 ? emptyRow(sentence, { details, measured }) : rows[r]));
      if (ids.length > 0) r++;
    }
  }
}

function emptyRow(sentence: string, { details, measured }: { details: boolean; measured: boolean }): SentenceReport | SentenceDetail {
  const row = { sentence, tokens: 0, original: statistics([]), sparse: emptySparseStatistics, top: [] };
  return details ? { ...row, activation: new Float32Array(0), features: { index: [], values: [] }, perToken: [], ...(measured && { metrics: null }) } : row;
}

/** What a site gave for the sentences of a batch. */
interface Activations {
  /** f32[R,D], a vector a sentence */
  pooled: Float32Array;
  /** f32[N,D], all tokens of the sentences; empty unless they were asked for */
  tokens: Float32Array;
}

/** A dictionary at its site. */
class Reader {
  readonly #sums: BatchSums | undefined;
  #tokens = 0;

  constructor(
    readonly model: Model,
    readonly site: string,
    readonly dictionary: Dictionary,
    readonly options: SweepOptions,
  ) {
    if (dictionary.D !== model.width)
      throw new DictlearnError("SHAPE", `dictionary: expected D = ${model.width} (${site} of ${model.name}), got D = ${dictionary.D}`, "take a dictionary that was trained on this model");
    if (options.measured && !dictionary.output) this.#sums = new BatchSums(dictionary.D);
  }

  async rows(sentences: readonly TokenizedSentence[], { pooled, tokens }: Activations): Promise<SentenceReport[]> {
    const { model, site, dictionary, options } = this;
    const { D, F } = dictionary;
    const vectors = sentences.map((_, r) => pooled.subarray(r * D, (r + 1) * D));
    const features = await this.#encode(pooled);
    const own = options.details && this.#sums ? sentences.map(() => new BatchSums(D)) : undefined;
    const ofTokens = options.details || this.#sums ? await this.#encode(tokens, this.#sums && this.#adding(sentences, own)) : [];
    let token = 0;
    return sentences.map(({ sentence, ids }, r) => {
      const original = statistics(vectors[r]);
      if (!Number.isFinite(original.variance)) throw overflow(model, site, sentence);
      const row = { sentence, tokens: ids.length, original, sparse: sparseStatistics(features[r], F), top: topFeatures(features[r], options.top ?? 0) };
      if (!options.details) return row;
      const texts = model.tokenizer.split(sentence, ids, ids.length < model.contextLength);
      const detail: SentenceDetail = { ...row, activation: vectors[r], features: active(features[r]), perToken: texts.map((text, t) => ({ id: ids[t], text, features: active(ofTokens[token++]) })) };
      return options.measured ? { ...detail, metrics: own ? metricsOf(own[r], ids.length) : null } : detail;
    });
  }

  metrics(): ReadingMetrics | null {
    return this.#sums && this.#tokens > 0 ? metricsOf(this.#sums, this.#tokens) : null;
  }

  /** What takes tokens one after another, with their reconstructions, and adds them up: over all, and by sentence. */
  #adding(sentences: readonly TokenizedSentence[], own: readonly BatchSums[] | undefined): AddToken {
    const owner = own && sentences.flatMap(({ ids }, r) => Array.from(ids, () => own[r]));
    let token = 0;
    return (x, xHat, row) => {
      this.#sums!.add(x, xHat, row);
      owner?.[token++].add(x, xHat, row);
      this.#tokens++;
    };
  }

  /** @param x f32[N,D] @param add is given each row with what it is described as @returns the features of each row, [N] */
  async #encode(x: Float32Array, add?: AddToken): Promise<SparseRow[]> {
    const { D } = this.dictionary;
    const rows: SparseRow[] = [];
    for await (const { x: piece, features, decoded } of encodePieces(this.dictionary, x, { decode: add !== undefined })) {
      for (let r = 0; r + 1 < features.rowStart.length; r++) {
        const [from, to] = [features.rowStart[r], features.rowStart[r + 1]];
        const row = { index: features.index.subarray(from, to), values: features.values.subarray(from, to) };
        rows.push(row);
        if (add && decoded) add(piece.subarray(r * D, (r + 1) * D), decoded.subarray(r * D, (r + 1) * D), row);
      }
    }
    return rows;
  }
}

/** @param x f32[D] @param xHat f32[D], its reconstruction from these features */
type AddToken = (x: Float32Array, xHat: Float32Array, row: { index: Uint32Array; values: Float32Array }) => void;

function metricsOf(sums: BatchSums, tokens: number): ReadingMetrics {
  const { l0, frac_variance_explained, cossim } = sums.metrics();
  return { tokens, l0, frac_variance_explained, cossim };
}

/** The features that are not 0: a row of top-k has k of them, whether so many are active or not. */
function active({ index, values }: SparseRow): SparseRow {
  const kept = Array.from(values, (value, i) => (value === 0 ? -1 : i)).filter((i) => i >= 0);
  return { index: Uint32Array.from(kept, (i) => index[i]), values: Float32Array.from(kept, (i) => values[i]) };
}

/** One pass over the model: at each site a vector a sentence, and where they are asked for the activations of all tokens. */
async function activationsAt(model: Model, sites: readonly string[], ids: readonly Uint32Array[], { pooling, length, everyToken }: { pooling: Pooling; length?: number; everyToken: boolean }): Promise<Map<string, Activations>> {
  const found = new Map([...new Set(sites)].map((site) => [site, { pooled: [] as Promise<Float32Array>[], tokens: [] as Promise<Float32Array>[] }]));
  const read = (x: Tensor) => x.read() as Promise<Float32Array>;
  const hooks = <H>(hookOf: (parts: { pooled: Promise<Float32Array>[]; tokens: Promise<Float32Array>[] }) => H) => Object.fromEntries(Array.from(found, ([site, parts]) => [site, hookOf(parts)]));
  const pooler = poolers[pooling];
  if (ids.length > 0)
    await model.neox.run(length === undefined ? packRows(ids) : padded(ids, length, model.tokenizer.endOfText), {
      ...(!pooler && { means: hooks<MeanHook>(({ pooled }) => (x) => void pooled.push(read(x))) }),
      ...((pooler || everyToken) && {
        at: hooks<Hook>(({ pooled, tokens }) => (x, { rows }) => {
          if (pooler) pooled.push(read(pooler(x, model.device.tensor(rows.start, [rows.start.length]))));
          if (everyToken) tokens.push(read(x).then((all) => ownTokens(all, rows, model.width)));
        }),
      }),
    });
  const whole = Array.from(found, async ([site, { pooled, tokens }]) => [site, { pooled: concat(await Promise.all(pooled)), tokens: concat(await Promise.all(tokens)) }] as const);
  return new Map(await Promise.all(whole));
}

/** Rows filled up with end-of-text, as the padded batches of transformers: padding is read but not attended to. */
function padded(ids: readonly Uint32Array[], length: number, endOfText: number): PackedRows {
  const rows = ids.map((real) => {
    const row = new Uint32Array(length).fill(endOfText);
    row.set(real);
    return row;
  });
  return packRows(rows, { attended: ids.map((real) => real.length) });
}

/** Without the padding. @param x f32[N,D] */
function ownTokens(x: Float32Array, { start, attended }: PackedRows, D: number): Float32Array {
  if (!attended) return x;
  return concat(Array.from(attended, (length, r) => x.subarray(start[r] * D, (start[r] + length) * D)));
}

/** Finite weights can still overflow f32 on the way. */
function overflow(model: Model, site: string, sentence: string): DictlearnError {
  return new DictlearnError("FORMAT", `${model.name}: expected finite activations at ${site}, got NaN or infinity for ${JSON.stringify(sentence.slice(0, 60))}`, "its weights may be damaged");
}

function concat(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
