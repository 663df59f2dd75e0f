import { type Cursor, type Text } from "@dictlearn/corpus";
import { firstTokens } from "./firstTokens.js";
import { type Tokenizer } from "./openTokenizer.js";

/** How texts become rows of tokens. */
export const rowKinds = ["document", "packed"] as const;
export type RowKind = (typeof rowKinds)[number];

/** The place behind a row: plain JSON. */
export interface RowCursor {
  /** The place behind the last text that is used up; null before the first. Texts are opened there to go on. */
  readonly text: Cursor | null;
  /** How many tokens of the text behind it are used too. */
  readonly used: number;
}

export interface TokenRow {
  /** u32[n], n from 1 to the context length */
  readonly tokens: Uint32Array;
  readonly cursor: RowCursor;
}

/**
 * Rows of tokens, one at a time. "document": a text a row, cut at the context length, the rest left out. "packed": the
 * texts end to end, an end-of-text behind each, cut into rows of the context length; the last row may be shorter. Texts
 * without tokens are passed over.
 * @param options.cursor where to go on: texts must have been opened at its `text`
 */
export async function* tokenRows(
  texts: AsyncIterable<Text> | Iterable<Text>,
  { tokenizer, contextLength, rows, cursor: { text: opened, used } = { text: null, used: 0 } }: { tokenizer: Tokenizer; contextLength: number; rows: RowKind; cursor?: RowCursor },
): AsyncGenerator<TokenRow, void> {
  if (rows === "document") {
    for await (const { text, cursor } of texts) {
      const tokens = firstTokens(tokenizer, text, contextLength);
      if (tokens.length > 0) yield { tokens, cursor: { text: cursor, used: 0 } };
    }
    return;
  }
  let row = new Uint32Array(contextLength);
  let filled = 0;
  let behind = opened; // the last text that is used up
  let last: RowCursor = { text: opened, used };
  for await (const { text, cursor } of texts) {
    const document = tokenizer.encode(text);
    const end = document.length > 0 ? document.length + 1 : 0; // with its end-of-text
    for (let at = Math.min(used, end); at < end; ) {
      const n = Math.min(end - at, contextLength - filled);
      row.set(document.subarray(at, at + n), filled);
      if (at + n === end) row[filled + n - 1] = tokenizer.endOfText;
      [at, filled] = [at + n, filled + n];
      last = at === end ? { text: cursor, used: 0 } : { text: behind, used: at };
      if (filled < contextLength) continue;
      yield { tokens: row, cursor: last };
      [row, filled] = [new Uint32Array(contextLength), 0];
    }
    [behind, used] = [cursor, 0];
  }
  if (filled > 0) yield { tokens: row.subarray(0, filled), cursor: last };
}
