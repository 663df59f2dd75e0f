import { type SentenceReport, type Sentences } from "./analysis.js";
import { columnWidth, grid } from "./grid.js";
import { codePoints, type Measure } from "./measure.js";
import { numberColumn } from "./numberColumn.js";
import { statisticsCells, statisticsHeaders, topCell, topHeader } from "./reportCells.js";
import { wrap } from "./wrap.js";

export interface TableOptions {
  /** columns of the terminal: long sentences are wrapped, down to 20 columns, so that the table fits */
  width?: number;
  /** how wide a text is; as a terminal shows it by default */
  measure?: Measure;
}

/**
 * The table of the original script, letter for letter: one row a sentence, numbers of 6 digits. A column of the
 * strongest features follows where a sentence has any. Widths need every row: the text comes in one piece at the end.
 */
export async function* formatTable(sentences: Sentences, { width, measure: given }: TableOptions = {}): AsyncGenerator<string> {
  const rows: SentenceReport[] = [];
  for await (const row of sentences) rows.push(row);
  const measure = given ?? (await onTerminal(rows));

  const headers = ["Sentence", ...statisticsHeaders];
  const cells = rows.map(statisticsCells);
  const columns = [numberColumn(rows.map(({ sentence }) => sentence)), ...statisticsHeaders.map((_, c) => cells.map((row) => row[c]))];
  if (rows.some(({ top }) => top.length > 0)) {
    headers.push(topHeader);
    const top = rows.map(topCell);
    columns.push(width === undefined ? top : top.map((cell) => wrap(cell, topWidth, measure)));
  }
  if (width !== undefined) {
    const others = headers.slice(1).reduce((sum, header, c) => sum + columnWidth(header, columns[c + 1], measure) + 3, 0);
    const room = Math.max(narrowestSentence, width - others - 4); // `| ` before and ` |` after
    columns[0] = columns[0].map((cell) => wrap(cell.trim(), room, measure));
  }
  yield `${grid(headers, columns, measure)}\n`;
}

/** Of plain sentences one column a character; what knows all others takes as long to load as the rest of this package, several times. */
async function onTerminal(rows: readonly SentenceReport[]): Promise<Measure> {
  return rows.every(({ sentence }) => /^[ -~]*$/.test(sentence)) ? codePoints : (await import("./displayWidth.js")).terminalColumns;
}

const narrowestSentence = 20; // columns
const topWidth = 28; // columns: two features a line
