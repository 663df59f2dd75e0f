import { type Measure } from "./measure.js";

/**
 * A table with lines between all cells, everything centred, as tabulate draws it with `tablefmt="grid"` and
 * `stralign="center"`: an odd space stands on the right, outer spaces of a cell are left out, line ends make more lines.
 * @param columns one array of cells a column, all of one length
 * @returns lines joined by \n, none after the last
 */
export function grid(headers: readonly string[], columns: readonly (readonly string[])[], measure: Measure): string {
  const { head, row } = gridOf(headers, headers.map((header, c) => columnWidth(header, columns[c], measure)), measure);
  return [...head, ...columns[0].flatMap((_, r) => row(columns.map((column) => column[r])))].join("\n");
}

/** The lines of a table whose widths are known: those at the top, and those of a row. */
export function gridOf(headers: readonly string[], widths: readonly number[], measure: Measure): { head: string[]; row(cells: readonly string[]): string[] } {
  const rule = (line: string) => `+${widths.map((width) => line.repeat(width + 2)).join("+")}+`;
  const line = (parts: readonly string[]) => `|${parts.map((part, c) => ` ${centre(part, widths[c], measure)} `).join("|")}|`;
  return {
    head: [rule("-"), line(headers), rule("=")],
    row(cells) {
      const lines = cells.map((cell) => cell.trim().split(/\r\n|\r|\n/));
      const height = Math.max(...lines.map(({ length }) => length));
      return [...Array.from({ length: height }, (_, i) => line(lines.map((parts) => parts[i] ?? ""))), rule("-")];
    },
  };
}

/** What a column takes inside of its two outer spaces: two more than its header, or as its widest cell. */
export function columnWidth(header: string, column: readonly string[], measure: Measure): number {
  return column.reduce(
    (widest, cell) => cell.trim().split(/\r\n|\r|\n/).reduce((width, line) => Math.max(width, measure(line)), widest),
    measure(header) + 2,
  );
}

function centre(text: string, width: number, measure: Measure): string {
  const spare = Math.max(0, width - measure(text));
  const left = Math.floor(spare / 2);
  return " ".repeat(left) + text + " ".repeat(spare - left);
}
