import { type Measure } from "./measure.js";

/**
 * Lines of at most `width` columns, broken at spaces; a longer word is broken between characters as people see them.
 * Control characters, whose width is unknown, become spaces.
 */
export function wrap(text: string, width: number, measure: Measure): string {
  return text
    .split(/\r\n|\r|\n/)
    .flatMap((line) => wrapLine(line.replace(/\p{Cc}/gu, " "), width, measure))
    .join("\n");
}

function wrapLine(line: string, width: number, measure: Measure): string[] {
  const lines: string[] = [];
  let current = "";
  for (const [, space, word] of line.matchAll(/( *)([^ ]+)/g)) {
    if (measure(current + space + word) <= width) {
      current += space + word;
      continue;
    }
    if (current !== "") lines.push(current);
    const parts = breakWord(word, width, measure);
    lines.push(...parts.slice(0, -1));
    current = parts[parts.length - 1];
  }
  lines.push(current);
  return lines;
}

function breakWord(word: string, width: number, measure: Measure): string[] {
  if (measure(word) <= width) return [word];
  const parts = [""];
  graphemes ??= new Intl.Segmenter(undefined, { granularity: "grapheme" });
  for (const { segment } of graphemes.segment(word)) {
    if (measure(parts[parts.length - 1] + segment) > width) parts.push("");
    parts[parts.length - 1] += segment;
  }
  return parts;
}

let graphemes: Intl.Segmenter | undefined; // slow to make, and few words are broken
