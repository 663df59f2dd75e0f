import { type Sentences } from "./analysis.js";

/** One JSON object a line, one line a sentence, written as they come. */
export async function* formatJsonl(sentences: Sentences): AsyncGenerator<string> {
  for await (const sentence of sentences) yield `${JSON.stringify(sentence)}\n`;
}
