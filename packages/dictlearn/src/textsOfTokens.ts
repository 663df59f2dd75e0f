import { firstTokens } from "./firstTokens.js";
import { type Model } from "./openModel.js";

export interface TextsOfTokensOptions {
  tokens: number;
  /** Tokens of a text that count. */
  contextLength: number;
  /** Leaves out the first text: it was read in part before. */
  begun?: boolean;
}

/** The first texts that have so many tokens together, or all there are; those of fewer than two tokens, which predict nothing, are left out. */
export async function* textsOfTokens<T extends { text: string }>(model: Pick<Model, "tokenizer">, texts: AsyncIterable<T> | Iterable<T>, { tokens, contextLength, begun = false }: TextsOfTokensOptions): AsyncGenerator<T, void> {
  let found = 0;
  let first = begun;
  for await (const text of texts) {
    const n = first ? 0 : firstTokens(model.tokenizer, text.text, contextLength).length;
    first = false;
    if (n < 2) continue;
    yield text;
    found += n;
    if (found >= tokens) return;
  }
}
