import { DictlearnError } from "./error.js";
import { type Pooling } from "./pooling.js";

/**
 * Sentences to read: all at hand, one by one as they come, or a function that opens the stream, for what reads them twice.
 * `analyse(model, dictionary, () => sentencesOf("big.csv"), { site, pooling: "padded-mean" })`
 */
export type SentenceSource = Stream | (() => Stream);
type Stream = Iterable<string> | AsyncIterable<string>;

/** @returns what opens the sentences, as often as the pooling needs. @throws DictlearnError USAGE for a stream that would have to be read twice */
export function reopenable(sentences: SentenceSource, pooling: Pooling): () => Stream {
  if (typeof sentences === "function") return sentences;
  if (typeof sentences === "string") throw new DictlearnError("USAGE", "sentences: expected a list of them, got one text", "put it in an array");
  if (pooling === "padded-mean" && !Array.isArray(sentences))
    throw new DictlearnError("USAGE", "sentences: expected an array, or a function that opens them again, since padded-mean measures all of them first, got a stream that can be read once", "pass () => the stream, or take another pooling");
  return () => sentences;
}
