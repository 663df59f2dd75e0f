import { uniformAt } from "@dictlearn/neox";

/** Which of a seed's permutations is the order of the shards; those of blocks of texts count from 0. */
export const orderOfShards = 2 ** 21 - 1;

/**
 * A seed's permutations of 0..n-1: the block-th is the same whenever it is asked for (Fisher and Yates, on Philox).
 * @param seed a whole number up to 2^53
 */
export function shuffledOrder(seed: number): (n: number, block: number) => Uint32Array {
  return (n, block) => {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = Math.floor(uniformAt(seed, block * 2 ** 32 + i) * (i + 1));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  };
}
