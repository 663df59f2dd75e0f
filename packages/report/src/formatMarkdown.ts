import { ahead, decisive } from "./ahead.js";
import { type SentenceReport, type Sentences } from "./analysis.js";
import { placeCells, placeHeaders, statisticsCells, statisticsHeaders, topCell, topHeader } from "./reportCells.js";

/**
 * The same table for GitHub: sentences on the left, numbers of 6 digits on the right, and a column of the strongest
 * features where one of the first 10,000 rows has any. Markup inside a sentence is escaped; a line end becomes `<br>`.
 */
export async function* formatMarkdown(sentences: Sentences): AsyncGenerator<string> {
  const { first, rest = [] } = await ahead(sentences, decisive);
  const withTop = first.some(({ top }) => top.length > 0);
  const places = placeHeaders(first[0]);

  yield line(["Sentence", ...places, ...statisticsHeaders, ...(withTop ? [topHeader] : [])]);
  yield line(["---", ...places.map(() => "---"), ...statisticsHeaders.map(() => "---:"), ...(withTop ? ["---"] : [])]);
  const cells = (row: SentenceReport) => line([escapeMarkup(row.sentence), ...placeCells(row).map(escapeMarkup), ...statisticsCells(row), ...(withTop ? [topCell(row)] : [])]);
  for (const row of first) yield cells(row);
  for await (const row of rest) yield cells(row);
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |\n`;
}

function escapeMarkup(text: string): string {
  return text
    .trim()
    .replace(/[\\`*_[\]<>|~&$]/g, String.raw`\$&`)
    .replace(/\r\n|\r|\n/g, "<br>");
}
