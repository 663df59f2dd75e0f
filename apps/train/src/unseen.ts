import { evaluate, firstTokens, openDictionary, type Metrics, type Model, type RowCursor, type Text } from "dictlearn";

export interface UnseenOptions {
  /** Behind the last text that was harvested, opened at its cursor. */
  texts: AsyncIterable<Text>;
  cursor: RowCursor | null;
  tokens: number;
  contextLength: number;
}

/** Texts that training did not see, with as many tokens as asked for, or as there are. */
export async function unseenTexts(model: Model, { texts, cursor, tokens, contextLength }: UnseenOptions): Promise<Text[]> {
  const unseen: Text[] = [];
  let found = 0;
  let begun = (cursor?.used ?? 0) > 0; // the first was read in part
  for await (const text of texts) {
    const n = begun ? 0 : firstTokens(model.tokenizer, text.text, contextLength).length;
    begun = false;
    if (n < 2) continue; // nothing to predict
    unseen.push(text);
    found += n;
    if (found >= tokens) break;
  }
  return unseen;
}

/** A saved dictionary's measures on texts, as anyone who opens it would find them. */
export async function evaluateFile(path: string, { model, site, texts, contextLength }: { model: Model; site: string; texts: readonly Text[]; contextLength: number }): Promise<Metrics> {
  const dictionary = await openDictionary(path, { device: model.device });
  try {
    const batchSize = Math.max(1, Math.min(texts.length, Math.floor(2 ** 14 / contextLength)));
    return await evaluate(model, dictionary, texts, { site, contextLength, batchSize, batches: Math.ceil(texts.length / batchSize) });
  } finally {
    dictionary.dispose();
  }
}
