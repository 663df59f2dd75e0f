/** Which features a sentence is said to have: those of its vector, or the strongest of each on its tokens. */
export type Basis = "vector" | "tokens";
export const bases: readonly Basis[] = ["vector", "tokens"];
