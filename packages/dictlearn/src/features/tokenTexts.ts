import { type Tokenizer } from "../openTokenizer.js";

/** Stands where bytes are no whole character. */
const broken = "\ufffd";

/** The text of each of V token ids; where a token is a part of a character, the tokenizer's replacement. */
export function vocabularyTexts(tokenizer: Tokenizer, V: number): string[] {
  return Array.from({ length: V }, (_, id) => {
    try {
      return tokenizer.decode([id]);
    } catch {
      return ""; // models have more rows than their tokenizers have tokens
    }
  });
}

/**
 * Characters that take several tokens, in a piece of text: the first of them gets the whole, the others are empty.
 * Undefined for every token that has a text of its own, or is part of a character that is cut off.
 */
export function sharedTexts(tokenizer: Tokenizer, vocabulary: readonly string[]): (tokens: readonly number[]) => (string | undefined)[] {
  return (tokens) => {
    const texts: (string | undefined)[] = [];
    for (let i = 0; i < tokens.length; i++) {
      let end = i;
      while (end < tokens.length && vocabulary[tokens[end]].includes(broken)) end++;
      if (end === i) continue;
      const text = tokenizer.decode(tokens.slice(i, end));
      if (!text.includes(broken)) for (let at = i; at < end; at++) texts[at] = at === i ? text : "";
      i = end - 1;
    }
    return texts;
  };
}
