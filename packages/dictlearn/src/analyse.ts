import { type SentenceDetail, type SentenceReport } from "@dictlearn/report";
import { type Dictionary } from "@dictlearn/sae";
import { type Model } from "./openModel.js";
import { type SentenceSource } from "./sentenceSource.js";
import { sweep, type SweepOptions } from "./sweep.js";

export interface AnalyseOptions extends Omit<SweepOptions, "measured"> {
  /** Which activation: `layers.3.mlp_out`, in any spelling that neox knows. */
  site: string;
}

/**
 * Sentences as sparse features: tokens → activations at a site → one vector a sentence → features → statistics, in the
 * order given. A row does not depend on the other sentences, except under "padded-mean", which exists to show that.
 * Of a stream no more is held than the batch that is being read.
 * @param sentences an array, a stream, or a function that opens one: "padded-mean" reads all sentences twice
 * @throws at once, not while iterating: DictlearnError SHAPE if the widths differ, USAGE for a stream that would have to be read twice; NeoxError USAGE for an unknown site
 */
export function analyse(model: Model, dictionary: Dictionary, sentences: SentenceSource, options: AnalyseOptions & { details: true }): AsyncGenerator<SentenceDetail, void>;
export function analyse(model: Model, dictionary: Dictionary, sentences: SentenceSource, options: AnalyseOptions): AsyncGenerator<SentenceReport, void>;
export function analyse(model: Model, dictionary: Dictionary, sentences: SentenceSource, { site, ...options }: AnalyseOptions): AsyncGenerator<SentenceReport, void> {
  return only(sweep(model, [{ site, dictionary }], sentences, options));
}

async function* only<Row>(rows: AsyncIterable<Row[]>): AsyncGenerator<Row, void> {
  for await (const [row] of rows) yield row;
}
