import stringWidth from "string-width";
import { type Measure } from "./measure.js";

/**
 * Columns on a terminal, as Python's wcwidth counts them: 2 for East Asian wide characters and emoji, 0 for marks, and
 * -1 for a line with control characters, whose width no one knows (a tab).
 */
export const terminalColumns: Measure = (line) => {
  if (/^[ -~]*$/.test(line)) return line.length;
  if (/\p{Cc}/u.test(line)) return -1;
  let columns = 0;
  for (const { segment } of graphemes.segment(line)) {
    const width = stringWidth(segment);
    columns += width === 1 && spreads.test(segment) ? 2 : width;
  }
  return columns;
};

const graphemes = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** Clusters of the scripts of India and South East Asia with a vowel sign beside the letter, or of two letters. */
const spreads = /\p{Mc}|\p{L}.*\p{L}/u;
