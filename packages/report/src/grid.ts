import { type Measure } from "./measure.js";

/**
 * A table with lines between all cells, everything centred, as tabulate draws it with `tablefmt="grid"` and
 * `stralign="center"`: an odd space stands on the right, outer spaces of a cell are left out, line ends make more lines.
 * @param columns one array of cells a column, all of one length
 * @returns lines joined by \n, none after the last
 */
export function grid(headers: readonly string[], columns: readonly (readonly string[])[], measure: Measure): string {
  const cells = columns.map((column) => column.map((cell) => cell.trim().split(/\r\n|\r|\n/)));
  const widths = headers.map((header, c) => columnWidth(header, columns[c], measure));
  const rule = (line: string) => `+${widths.map((width) => line.repeat(width + 2)).join("+")}+`;
  const row = (parts: readonly string[]) => `|${parts.map((part, c) => ` ${centre(part, widths[c], measure)} `).join("|")}|`;

  const lines = [rule("-"), row(headers), rule("=")];
  for (let r = 0; r < columns[0].length; r++) {
    const height = Math.max(...cells.map((column) => column[r].length));
    for (let i = 0; i < height; i++) lines.push(row(cells.map((column) => column[r][i] ?? "")));
    lines.push(rule("-"));
  }
  return lines.join("\n");
}

/** What a column takes inside of its two outer spaces: two more than its header, or as its widest cell. */
export function columnWidth(header: string, column: readonly string[], measure: Measure): number {
  return column.reduce(
    (widest, cell) => cell.trim().split(/\r\n|\r|\n/).reduce((width, line) => Math.max(width, measure(line)), widest),
    measure(header) + 2,
  );
}

function centre(text: string, width: number, measure: Measure): string {
  const spare = width - measure(text);
  const left = Math.floor(spare / 2);
  return " ".repeat(left) + text + " ".repeat(spare - left);
}
