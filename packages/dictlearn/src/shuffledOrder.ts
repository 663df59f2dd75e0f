import { openRng } from "@dictlearn/kernels";

/** Which of a seed's permutations is the order of the shards; those of blocks of texts count from 0. */
export const orderOfShards = 2 ** 32 - 1;

/**
 * A seed's permutations of 0..n-1: the block-th is the same whenever it is asked for.
 * @param seed a whole number up to 2^53
 */
export function shuffledOrder(seed: number): (n: number, block: number) => Uint32Array {
  return (n, block) => openRng({ seed, stream: "corpus", index: block }).permutation(n);
}
