import { type Provenance, type ReadingSummary, type SentenceReport, type SweepRow, formatCsv, formatJson, formatJsonl, formatMarkdown, formatSweepJson, formatTable } from "@dictlearn/report";

export const formats = ["table", "json", "jsonl", "csv", "markdown"] as const;
export type Format = (typeof formats)[number];

type Row = SentenceReport | SweepRow;
type Rows = AsyncIterator<Row, void>;

export interface About {
  run: Provenance;
  /** what several readings come to, asked for at the end */
  readings?: () => readonly ReadingSummary[];
  /** columns of the terminal that the table goes to */
  width?: number;
  note: (line: string) => void;
}

/**
 * The result as text, piece by piece. Nothing comes before the first sentence is done: by then model, dictionary and
 * sentences are known to be sound, so a file or a pipe gets either a result or nothing.
 */
export async function* render(format: Format, rows: Rows, about: About): AsyncGenerator<string> {
  const first = await rows.next();
  yield* texts[format](resumed(first, rows), about);
}

const texts: Record<Format, (rows: AsyncIterable<Row>, about: About) => AsyncIterable<string>> = {
  table: (rows, { width, note }) => formatTable(rows, { width, onNotice: note }),
  json: (rows, { run, readings }) => (readings ? formatSweepJson(run, rows, readings) : formatJson(run, rows)),
  jsonl: formatJsonl,
  csv: formatCsv,
  markdown: formatMarkdown,
};

async function* resumed(first: IteratorResult<Row, void>, rest: Rows): AsyncGenerator<Row> {
  for (let next = first; !next.done; next = await rest.next()) yield next.value;
}
