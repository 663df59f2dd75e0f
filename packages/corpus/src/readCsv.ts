import { pipeline } from "node:stream/promises";
import { parse, type Options } from "csv-parse";
import { CorpusError } from "./corpusError.js";
import { csvFault, lineEnds, longestRow, wrongLength, wrongQuote } from "./csvFaults.js";
import { findQuoteFault } from "./quoteFault.js";
import { strictUtf8 } from "./strictUtf8.js";

/** One text of a corpus. */
export interface TextRow {
  text: string;
  /** where its row starts in the file, the first line being 1 */
  line: number;
}

export interface CsvOptions {
  /** which column holds the texts: case and spaces count */
  column: string;
  /** what error messages call the source: `sentences.csv` */
  name: string;
}

/**
 * The texts of one column of a CSV file, as they stand in it, read while they are asked for.
 *
 * RFC 4180 with a header: UTF-8 with or without a byte order mark, any line ends, quoted cells with commas, line ends
 * and doubled quotes. Blank lines are skipped (a quoted blank cell is a text). Nothing is taken for a missing value or
 * a number: "", "NA" and "42" are texts. A quote inside an unquoted cell is a character like any other.
 * @param source bytes in chunks of any size: `fs.createReadStream(path)`, `blob.stream()`
 * @throws CorpusError while iterating: FORMAT for bytes that are not such a file, NOT_FOUND and IO for a file that the
 *   source could not open or read. Rows before the fault may have been yielded: iterate once to validate a whole file.
 */
export async function* readCsv(source: AsyncIterable<Uint8Array>, { column, name }: CsvOptions): AsyncGenerator<TextRow> {
  let header: string[] | undefined;
  let position = -1;
  let texts = 0;
  for await (const { cells, line } of rows(source, name)) {
    if (header === undefined) {
      header = cells;
      position = columnPosition(header, column, name);
      continue;
    }
    if (cells.length !== header.length) throw wrongLength(`${name}:${line}`, header.length, cells.length);
    texts++;
    yield { text: cells[position], line };
  }
  if (header === undefined) throw new CorpusError("FORMAT", `${name}: expected a header with a column ${JSON.stringify(column)}, got an empty file`);
  if (texts === 0) throw new CorpusError("FORMAT", `${name}: expected rows below the header, got none`);
}

interface Row {
  cells: string[];
  line: number;
}

/** All rows but the blank ones, the header first. */
async function* rows(source: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Row> {
  let next = 1; // the line of the next row, counted here: csv-parse takes a \r\n inside a cell for two lines
  const options: Options<Row, { record: string[]; raw: string }> = {
    raw: true,
    record_delimiter: ["\r\n", "\n", "\r"], // all three at once, as they come mixed in edited files
    relax_column_count: true, // checked in readCsv, where blank lines are gone
    relax_quotes: true, // checked here: quotes inside unquoted cells only
    max_record_size: longestRow,
    on_record({ record, raw }) {
      const line = next;
      next += 1 + record.reduce((sum, cell) => sum + lineEnds(cell), 0);
      // csv-parse leaves the quotes to a quoted cell with text after it.
      const fault = record.some((cell) => cell.startsWith('"')) ? findQuoteFault(raw) : undefined;
      if (fault) throw wrongQuote(name, line, raw, fault);
      return raw.trim() === "" ? undefined : { cells: record, line };
    },
  };
  const ahead = { readableHighWaterMark: 16 /* rows */, writableHighWaterMark: 16 * 1024 /* bytes */ }; // Node's defaults differ between its versions
  const parser = parse({ ...options, ...ahead } as unknown as Options); // its types know such records for files read with `columns` only, and no stream options
  pipeline(strictUtf8(source, name), parser).catch(() => {}); // the loop below throws the same error
  try {
    yield* parser as AsyncIterable<Row>;
  } catch (error) {
    throw told(error, name, next);
  }
}

/** Errors of the parser and of the operating system in our words; others as they are. */
function told(error: unknown, name: string, line: number): unknown {
  if (error instanceof Error && "syscall" in error && "code" in error) {
    const missing = error.code === "ENOENT";
    return new CorpusError(missing ? "NOT_FOUND" : "IO", `${name}: expected a readable file, got ${missing ? "no such file" : error.message}`, undefined, { cause: error });
  }
  return csvFault(error, name, line);
}

function columnPosition(header: string[], column: string, name: string): number {
  const position = header.indexOf(column);
  const wanted = JSON.stringify(column);
  if (position < 0) {
    const shown = header.slice(0, 12).map((label) => JSON.stringify(label)).join(", ");
    const got = header.length > 12 ? `${shown} and ${header.length - 12} more` : shown;
    throw new CorpusError("FORMAT", `${name}: expected a column ${wanted}, got ${got}`, header.length === 1 && /[;\t]/.test(header[0]) ? "separate fields with commas" : "choose one with --column");
  }
  if (header.lastIndexOf(column) !== position) {
    throw new CorpusError("FORMAT", `${name}: expected one column ${wanted}, got ${header.filter((label) => label === column).length}`, "give each column its own name");
  }
  return position;
}
