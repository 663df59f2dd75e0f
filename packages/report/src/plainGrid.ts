import { grid } from "./grid.js";
import { codePoints } from "./measure.js";

/** A table as `formatTable` draws it, of plain texts. @param rows one array of cells a row */
export function plainGrid(headers: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${grid(headers, headers.map((_, c) => rows.map((row) => row[c])), codePoints)}\n`;
}
