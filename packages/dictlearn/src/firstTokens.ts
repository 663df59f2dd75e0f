import { type Tokenizer } from "./openTokenizer.js";

/**
 * The first n tokens of a text, of which no more is read than it takes: most of a long text would be encoded for nothing.
 * A byte-level tokenizer cuts a text at the blank between two letters before it does anything else, so what lies behind
 * one does not change the tokens before it.
 */
export function firstTokens(tokenizer: Tokenizer, text: string, n: number): Uint32Array {
  const enough = 8 * n; // characters: some five a token
  if (text.length > 2 * enough) {
    const blank = /(?<=\p{L}) (?=\p{L})/gu;
    blank.lastIndex = enough;
    const found = blank.exec(text);
    const tokens = found && tokenizer.encode(text.slice(0, found.index));
    if (tokens && tokens.length > n) return tokens.subarray(0, n);
  }
  return tokenizer.encode(text).subarray(0, n);
}
