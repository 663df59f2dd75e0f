import { type Sentences, written } from "./analysis.js";

/** One JSON object a line, one line a sentence (and reading, where there are several), written as they come. */
export async function* formatJsonl(sentences: Sentences): AsyncGenerator<string> {
  for await (const sentence of sentences) yield `${JSON.stringify(written(sentence))}\n`;
}
