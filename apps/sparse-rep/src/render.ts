import { type Provenance, type SentenceReport, formatCsv, formatJson, formatJsonl, formatMarkdown, formatTable } from "@dictlearn/report";

export const formats = ["table", "json", "jsonl", "csv", "markdown"] as const;
export type Format = (typeof formats)[number];

type Rows = AsyncIterator<SentenceReport, void>;

/**
 * The result as text, piece by piece. Nothing comes before the first sentence is done: by then model, dictionary and
 * sentences are known to be sound, so a file or a pipe gets either a result or nothing.
 * @param width columns of the terminal that the table goes to
 */
export async function* render(format: Format, rows: Rows, { run, width }: { run: Provenance; width?: number }): AsyncGenerator<string> {
  const first = await rows.next();
  yield* texts[format](resumed(first, rows), { run, width });
}

const texts: Record<Format, (rows: AsyncIterable<SentenceReport>, about: { run: Provenance; width?: number }) => AsyncIterable<string>> = {
  table: (rows, { width }) => formatTable(rows, { width }),
  json: (rows, { run }) => formatJson(run, rows),
  jsonl: formatJsonl,
  csv: formatCsv,
  markdown: formatMarkdown,
};

async function* resumed(first: IteratorResult<SentenceReport, void>, rest: Rows): AsyncGenerator<SentenceReport> {
  for (let next = first; !next.done; next = await rest.next()) yield next.value;
}
