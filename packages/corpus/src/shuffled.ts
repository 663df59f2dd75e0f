import { CorpusError } from "./corpusError.js";

export interface Shuffle {
  /** texts in a block; a block also ends where its texts pass 64 Mi characters */
  readonly window: number;
  /** a permutation of 0..n-1 for the block of that number: the same whenever it is asked for */
  order(n: number, block: number): Uint32Array;
}

export function checkWindow({ window }: Shuffle): void {
  if (!Number.isSafeInteger(window) || window < 1) throw new CorpusError("USAGE", `shuffle: expected a window of 1 or more texts, got ${window}`, "10000 is a usual one");
}

/**
 * The texts of one block in their order.
 * @throws CorpusError USAGE if the order is no permutation: texts would be lost
 */
export function shuffled(texts: readonly string[], shuffle: Shuffle, block: number): string[] {
  const order = shuffle.order(texts.length, block);
  const wrong = order.length !== texts.length || new Set(order).size !== texts.length || order.some((i) => i >= texts.length);
  if (wrong) throw new CorpusError("USAGE", `shuffle: expected order(${texts.length}, ${block}) to be a permutation of 0..${texts.length - 1}, got another list of ${order.length}`);
  return Array.from(order, (i) => texts[i]);
}

export const blockCharacters = 2 ** 26; // UTF-16 code units: 64 Mi, at most 128 MiB
