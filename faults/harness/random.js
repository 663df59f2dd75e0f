/** Numbers that follow from what they are for: a case that failed is the same again. (mulberry32) */
export function openRandom(...seeds) {
  let state = 0x9e3779b9;
  for (const character of seeds.join(" ")) state = Math.imul(state ^ character.codePointAt(0), 0x85ebca6b) ^ (state >>> 13);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(next() * n);
  return {
    /** In 0..1. */
    next,
    /** A whole number in 0..n-1. */
    below,
    pick: (choices) => choices[below(choices.length)],
  };
}
