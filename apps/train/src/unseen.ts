import { evaluate, evaluationBatch, openDictionary, textsOfTokens, type Metrics, type Model, type RowCursor, type Text } from "dictlearn";

export interface UnseenOptions {
  /** Behind the last text that was harvested, opened at its cursor. */
  texts: AsyncIterable<Text>;
  cursor: RowCursor | null;
  tokens: number;
  contextLength: number;
}

/** Texts that training did not see, with as many tokens as asked for, or as there are. */
export async function unseenTexts(model: Model, { texts, cursor, ...options }: UnseenOptions): Promise<Text[]> {
  const unseen: Text[] = [];
  for await (const text of textsOfTokens(model, texts, { ...options, begun: (cursor?.used ?? 0) > 0 })) unseen.push(text);
  return unseen;
}

/** A saved dictionary's measures on texts, as anyone who opens it would find them. */
export async function evaluateFile(path: string, { model, site, texts, contextLength }: { model: Model; site: string; texts: readonly Text[]; contextLength: number }): Promise<Metrics> {
  const dictionary = await openDictionary(path, { device: model.device });
  try {
    return await evaluate(model, dictionary, texts, { site, contextLength, batchSize: evaluationBatch(contextLength), batches: Infinity });
  } finally {
    dictionary.dispose();
  }
}
