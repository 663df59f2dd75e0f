import { ahead, decisive } from "./ahead.js";
import { type SentenceReport, type Sentences } from "./analysis.js";
import { columnWidth, grid, gridOf } from "./grid.js";
import { codePoints, type Measure } from "./measure.js";
import { numberColumn } from "./numberColumn.js";
import { placeCells, placeHeaders, statisticsCells, statisticsHeaders, topCell, topHeader } from "./reportCells.js";
import { wrap } from "./wrap.js";

export interface TableOptions {
  /** columns of the terminal: long sentences are wrapped, down to 20 columns, so that the table fits */
  width?: number;
  /** how wide a text is; as a terminal shows it by default */
  measure?: Measure;
  /** told if there are more rows than decide how wide the columns are */
  onNotice?: (notice: string) => void;
}

/**
 * The table of the original script, letter for letter: one row a sentence, numbers of 6 digits. A column of the
 * strongest features follows where a sentence has any. Widths need rows: up to 10,000 the text comes in one piece at the
 * end; of more, the first 10,000 decide, what is wider is wrapped, and the rest is written as it comes.
 */
export async function* formatTable(sentences: Sentences, { width, measure: given, onNotice }: TableOptions = {}): AsyncGenerator<string> {
  const { first: rows, rest } = await ahead(sentences, decisive);
  const measure = given ?? (await onTerminal(rows, rest !== undefined));

  const places = placeHeaders(rows[0]);
  const headers = ["Sentence", ...places, ...statisticsHeaders];
  const columnsOf = (cells: readonly (readonly string[])[], names: readonly string[]) => names.map((_, c) => cells.map((row) => row[c]));
  const columns = [numberColumn(rows.map(({ sentence }) => sentence)), ...columnsOf(rows.map(placeCells), places), ...columnsOf(rows.map(statisticsCells), statisticsHeaders)];
  const withTop = rows.some(({ top }) => top.length > 0);
  if (withTop) {
    headers.push(topHeader);
    const top = rows.map(topCell);
    columns.push(width === undefined ? top : top.map((cell) => wrap(cell, topWidth, measure)));
  }
  if (width !== undefined) {
    const others = headers.slice(1).reduce((sum, header, c) => sum + columnWidth(header, columns[c + 1], measure) + 3, 0);
    const room = Math.max(narrowestSentence, width - others - 4); // `| ` before and ` |` after
    columns[0] = columns[0].map((cell) => wrap(cell.trim(), room, measure));
  }
  if (rest === undefined) {
    yield `${grid(headers, columns, measure)}\n`;
    return;
  }

  onNotice?.(`table: its columns are as wide as the first ${decisive.toLocaleString("en")} rows need; what is wider below is wrapped`);
  const widths = headers.map((header, c) => Math.max(columnWidth(header, columns[c], measure), widestNumber));
  const { head, row } = gridOf(headers, widths, measure);
  yield `${head.join("\n")}\n`;
  for (let r = 0; r < rows.length; r++) yield `${row(columns.map((column) => column[r])).join("\n")}\n`;
  for await (const next of rest) {
    const cells = [next.sentence, ...placeCells(next), ...statisticsCells(next), ...(withTop ? [topCell(next)] : [])];
    yield `${row(cells.map((cell, c) => (measure(cell) >= 0 && measure(cell) <= widths[c] ? cell : wrap(cell.trim(), widths[c], measure)))).join("\n")}\n`;
  }
}

/** Of plain sentences one column a character; what knows all others takes as long to load as the rest of this package, several times. */
async function onTerminal(rows: readonly SentenceReport[], more: boolean): Promise<Measure> {
  return !more && rows.every(({ sentence }) => /^[ -~]*$/.test(sentence)) ? codePoints : (await import("./displayWidth.js")).terminalColumns;
}

const narrowestSentence = 20; // columns
const topWidth = 28; // columns: two features a line
const widestNumber = 12; // columns: -1.23457e-05
