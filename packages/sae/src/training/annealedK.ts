/**
 * How many features a row has after a step whose number of them is annealed, as dictionary_learning has it: from `start` in a
 * straight line down to `k` after `steps` steps, rounded down. There the first step has the last k, since it is set after each step.
 * @param step the one that was made, counted from 0
 */
export function annealedK({ start, k, steps }: { start: number; k: number; steps: number }, step: number): number {
  const ratio = Math.min(step, steps) / steps;
  return Math.trunc(start * (1 - ratio) + k * ratio);
}
