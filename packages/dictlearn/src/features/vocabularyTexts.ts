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
 * Characters that take several tokens, in a piece of text: each stands in the token that completes it, and those before it
 * are empty. Undefined for every token that has a text of its own, or is part of a character that is cut off.
 */
export function sharedTexts(tokenizer: Tokenizer, vocabulary: readonly string[]): (tokens: readonly number[]) => (string | undefined)[] {
  return (tokens) => {
    const texts: (string | undefined)[] = [];
    for (let i = 0; i < tokens.length; i++) {
      let end = i;
      while (end < tokens.length && vocabulary[tokens[end]].includes(broken)) end++;
      if (end === i) continue;
      const so = Array.from({ length: end - i }, (_, n) => tokenizer.decode(tokens.slice(i, i + n + 1)).replace(/\ufffd+$/, "")); // complete so far
      const whole = tokenizer.decode(tokens.slice(i, end));
      if (!whole.includes(broken)) so.forEach((text, n) => (texts[i + n] = text.slice(n === 0 ? 0 : so[n - 1].length)));
      i = end - 1;
    }
    return texts;
  };
}
