import { type SentenceReport, type Sentences } from "./analysis.js";
import { statisticsCells, statisticsHeaders, topCell, topHeader } from "./reportCells.js";

/**
 * The same table for GitHub: sentences on the left, numbers of 6 digits on the right, and a column of the strongest
 * features where a sentence has any. Markup inside a sentence is escaped; a line end becomes `<br>`.
 */
export async function* formatMarkdown(sentences: Sentences): AsyncGenerator<string> {
  const rows: SentenceReport[] = [];
  for await (const row of sentences) rows.push(row);
  const withTop = rows.some(({ top }) => top.length > 0);

  yield line(["Sentence", ...statisticsHeaders, ...(withTop ? [topHeader] : [])]);
  yield line(["---", ...statisticsHeaders.map(() => "---:"), ...(withTop ? ["---"] : [])]);
  for (const row of rows) {
    yield line([escapeMarkup(row.sentence), ...statisticsCells(row), ...(withTop ? [topCell(row)] : [])]);
  }
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
