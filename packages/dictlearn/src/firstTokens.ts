import { type Tokenizer } from "./openTokenizer.js";

/** Where a byte-level tokenizer cuts a text before it does anything else: what lies behind does not change the tokens before. */
const boundary = /(?<=[\p{L}\p{N}])(?=[\s,.;:!?、。，！？；：])/gu;
const longWord = 2 ** 16; // characters

/**
 * The first n tokens of a text, of which no more is read than it takes: most of a long text would be encoded for nothing.
 * (Of a single word of more than 65,536 characters, twice as many tokens are made from its beginning; how they are merged
 * depends on what is near.)
 */
export function firstTokens(tokenizer: Tokenizer, text: string, n: number): Uint32Array {
  const enough = 8 * n; // characters: some five a token
  if (text.length > 2 * enough) {
    const beginning = text.slice(0, Math.max(longWord, 4 * enough));
    boundary.lastIndex = enough;
    const found = boundary.exec(beginning);
    const tokens = found && tokenizer.encode(beginning.slice(0, found.index));
    if (tokens && tokens.length > n) return tokens.subarray(0, n);
    const more = beginning.length < text.length ? tokenizer.encode(beginning) : undefined;
    if (more && more.length > 2 * n) return more.subarray(0, n);
  }
  return tokenizer.encode(text).subarray(0, n);
}
