import { DictlearnError } from "./error.js";
import { firstTokens } from "./firstTokens.js";
import { type Model } from "./openModel.js";
import { type SentenceSource } from "./sentenceSource.js";

/** Tokens of one pass through the model: enough to keep every thread busy, little enough to fit anywhere. */
const passTokens = 2048;

/** A sentence, and its tokens as far as the model's context goes. */
export interface TokenizedSentence {
  sentence: string;
  ids: Uint32Array;
}

type Stream = ReturnType<Extract<SentenceSource, () => unknown>>;

/** Sentences with their tokens, one by one. @throws DictlearnError USAGE for what is no text */
export async function* tokenized(model: Model, sentences: Stream, onNotice?: (notice: string) => void): AsyncGenerator<TokenizedSentence, void> {
  let count = 0;
  for await (const sentence of sentences) {
    count++;
    if (typeof sentence !== "string") throw new DictlearnError("USAGE", `sentence ${count}: expected a text, got ${sentence === null ? "null" : typeof sentence}`);
    const { contextLength, tokenizer } = model;
    const long = sentence.length > 16 * contextLength; // characters; the end of such a text is not even tokenized
    const ids = long ? firstTokens(tokenizer, sentence, contextLength + 1) : tokenizer.encode(sentence);
    if (ids.length > contextLength) onNotice?.(`sentence ${count}: cut to the model's context of ${contextLength} tokens, it has ${long ? `${sentence.length.toLocaleString("en")} characters` : ids.length}`);
    yield { sentence, ids: ids.subarray(0, contextLength) };
  }
}

/** The most tokens of a sentence, within the model's context. */
export async function longestOf(model: Model, sentences: Stream): Promise<number> {
  let longest = 0;
  for await (const { ids } of tokenized(model, sentences)) longest = Math.max(longest, ids.length);
  return longest;
}

/** Consecutive sentences, at most `rows` and of `passTokens` tokens together, or one longer; `length` is that of padded rows. */
export async function* batches(sentences: AsyncIterable<TokenizedSentence>, { rows, length }: { rows: number; length?: number }): AsyncGenerator<TokenizedSentence[], void> {
  let batch: TokenizedSentence[] = [];
  let tokens = 0;
  for await (const one of sentences) {
    const more = one.ids.length && (length ?? one.ids.length);
    if (batch.length === rows || (batch.length && tokens + more > passTokens)) {
      yield batch;
      batch = [];
      tokens = 0;
    }
    batch.push(one);
    tokens += more;
  }
  if (batch.length) yield batch;
}
