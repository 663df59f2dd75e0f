/**
 * Draws an index with probability softmax(logits / temperature), among the `topK` largest if given.
 * @param logits f32[V]
 * @param topK 1..V; ties go to the lower index
 * @param uniform in [0, 1): which one is drawn
 */
export function sample(logits: ArrayLike<number>, { temperature, topK = logits.length, uniform }: { temperature: number; topK?: number; uniform: number }): number {
  const all = Array.from({ length: logits.length }, (_, i) => i);
  const kept = topK < all.length ? all.sort((i, j) => logits[j] - logits[i] || i - j).slice(0, topK) : all;
  const largest = kept.reduce((max, i) => Math.max(max, logits[i]), -Infinity);
  const weights = kept.map((i) => Math.exp((logits[i] - largest) / temperature));
  let left = uniform * weights.reduce((sum, w) => sum + w, 0);
  for (let n = 0; n < kept.length; n++) if ((left -= weights[n]) < 0) return kept[n];
  return kept.at(-1)!;
}
