/** How wide a line of text is taken to be. */
export type Measure = (line: string) => number;

/** One for each Unicode code point, as Python's `len`. */
export const codePoints: Measure = (line) => [...line].length;
