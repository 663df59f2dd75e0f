import { type PackedRows, packRows } from "@dictlearn/neox";
import { type SentenceReport, emptySparseStatistics, sparseStatistics, statistics, topFeatures } from "@dictlearn/report";
import { type Dictionary } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";
import { type Model } from "./openModel.js";
import { type Pooling, poolers } from "./pooling.js";

/** Tokens of one pass through the model: enough to keep every thread busy, little enough to fit anywhere. */
const passTokens = 2048;
/** Features of one pass through the dictionary, active or not: on a GPU each has room, 32 MiB at most. */
export const passFeatures = 2 ** 23;

export interface AnalyseOptions {
  /** Which activation: `layers.3.mlp_out`, in any spelling that neox knows. */
  site: string;
  /** How the activations of a sentence become one vector; default "mean". */
  pooling?: Pooling;
  /** How many of the strongest features to name; default 0. */
  top?: number;
  /** Told of what a caller may want to know, such as a sentence that was cut. */
  onNotice?: (notice: string) => void;
}

/**
 * Sentences as sparse features: tokens → activations at a site → one vector a sentence → features → statistics, in the
 * order given. A row does not depend on the other sentences, except under "padded-mean", which exists to show that.
 * @throws at once, not while iterating: DictlearnError SHAPE if the widths differ, NeoxError USAGE for an unknown site
 */
export function analyse(model: Model, dictionary: Dictionary, sentences: readonly string[], options: AnalyseOptions): AsyncGenerator<SentenceReport, void> {
  const site = model.site(options.site);
  if (dictionary.D !== model.width)
    throw new DictlearnError("SHAPE", `dictionary: expected D = ${model.width} (${site} of ${model.name}), got D = ${dictionary.D}`, "take a dictionary that was trained on this model");
  return reports(model, dictionary, sentences, { pooling: "mean", top: 0, ...options, site });
}

async function* reports(model: Model, dictionary: Dictionary, sentences: readonly string[], { site, pooling, top, onNotice }: AnalyseOptions & { pooling: Pooling; top: number }): AsyncGenerator<SentenceReport, void> {
  const texts = sentences.map((sentence, i) => {
    const ids = model.tokenizer.encode(sentence);
    if (ids.length > model.contextLength) onNotice?.(`sentence ${i + 1}: cut to the model's context of ${model.contextLength} tokens, it has ${ids.length}`);
    return { sentence, ids: ids.subarray(0, model.contextLength) };
  });
  const length = pooling === "padded-mean" ? texts.reduce((longest, { ids }) => Math.max(longest, ids.length), 0) : undefined;

  for (const batch of batches(texts, { rows: Math.max(1, Math.floor(passFeatures / dictionary.F)), length })) {
    const read = batch.filter(({ ids }) => ids.length > 0); // without tokens there is nothing to average
    const pooled = read.length ? await pooledRows(model, read.map(({ ids }) => ids), { site, pooling, length }) : new Float32Array(0);
    const features = read.length ? await featuresOf(dictionary, pooled, read.length) : undefined;
    let row = 0;
    for (const { sentence, ids } of batch) {
      if (ids.length === 0) {
        yield { sentence, tokens: 0, original: statistics([]), sparse: emptySparseStatistics, top: [] };
        continue;
      }
      const original = statistics(pooled.subarray(row * dictionary.D, (row + 1) * dictionary.D));
      if (!Number.isFinite(original.variance)) throw overflow(model, site, sentence);
      const [from, to] = [features!.rowStart[row], features!.rowStart[row + 1]];
      const active = { index: features!.index.subarray(from, to), values: features!.values.subarray(from, to) };
      yield { sentence, tokens: ids.length, original, sparse: sparseStatistics(active, dictionary.F), top: topFeatures(active, top) };
      row++;
    }
  }
}

interface Text {
  sentence: string;
  ids: Uint32Array;
}

/** Consecutive texts, at most `rows` and of `passTokens` tokens together, or one longer; `length` is that of padded rows. */
function* batches(texts: readonly Text[], { rows, length }: { rows: number; length: number | undefined }): Generator<Text[]> {
  let batch: Text[] = [];
  let tokens = 0;
  for (const text of texts) {
    const more = text.ids.length && (length ?? text.ids.length);
    if (batch.length === rows || (batch.length && tokens + more > passTokens)) {
      yield batch;
      batch = [];
      tokens = 0;
    }
    batch.push(text);
    tokens += more;
  }
  if (batch.length) yield batch;
}

/** @returns f32[R,D] */
async function pooledRows(model: Model, ids: readonly Uint32Array[], { site, pooling, length }: { site: string; pooling: Pooling; length?: number }): Promise<Float32Array> {
  const parts: Promise<Float32Array>[] = [];
  await model.neox.run(length === undefined ? packRows(ids) : padded(ids, length, model.tokenizer.endOfText), {
    at: {
      [site](x, { rows }) {
        const start = model.device.tensor(rows.start, [rows.start.length]);
        parts.push(poolers[pooling](x, start).read() as Promise<Float32Array>);
      },
    },
  });
  return concat(await Promise.all(parts));
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

/** Finite weights can still overflow f32 on the way. */
function overflow(model: Model, site: string, sentence: string): DictlearnError {
  return new DictlearnError("FORMAT", `${model.name}: expected finite activations at ${site}, got NaN or infinity for ${JSON.stringify(sentence.slice(0, 60))}`, "its weights may be damaged");
}

function featuresOf(dictionary: Dictionary, pooled: Float32Array, R: number) {
  return dictionary.device.scope(() => dictionary.encode(dictionary.device.tensor(pooled, [R, dictionary.D])).read());
}

function concat(parts: readonly Float32Array[]): Float32Array {
  if (parts.length === 1) return parts[0];
  const all = new Float32Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (all.set(part, at), at + part.length), 0);
  return all;
}
