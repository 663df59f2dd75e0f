import { parse, type Options } from "csv-parse";
import { csvFault, lineEnds, longestRow, wrongQuote } from "./csvFaults.js";
import type { Place } from "./cursor.js";
import { openBehindRow } from "./openBehindRow.js";
import { findQuoteFault } from "./quoteFault.js";
import type { Shard } from "./shard.js";

/** A row of CSV, the place behind it, and what is wrong with its quotes. */
export interface CsvRecord extends Place {
  /** each byte a character (Latin-1), so that a place can be counted and one cell alone decoded */
  readonly cells: readonly string[];
  /** where it starts, the first line being 1 */
  readonly line: number;
  readonly fault: string | undefined;
}

/** The rows of a file behind a place, the header too if it is the start; blank lines are left out. */
export async function* csvRecords(shard: Shard, from: Place, separator: string, nearEnd: () => void): AsyncGenerator<CsvRecord[]> {
  let records: CsvRecord[] = [];
  let row = from.row; // lines so far, counted here: csv-parse takes a \r\n inside a cell for two lines
  const starts: { offset: number; at: number; skip: number }[] = []; // of the pieces that the parser has not done with
  const options: Options<CsvRecord, { record: string[]; raw: string; info: { bytes: number } }> = {
    delimiter: separator,
    encoding: "latin1",
    raw: true,
    info: true,
    record_delimiter: ["\r\n", "\n", "\r"], // all three at once, as they come mixed in edited files
    relax_column_count: true, // a broken row is for the caller to count
    relax_quotes: true, // checked here: quotes inside unquoted cells only
    max_record_size: longestRow,
    on_record({ record, raw, info }) {
      const line = row + 1;
      row += 1 + record.reduce((sum, cell) => sum + lineEnds(cell), 0);
      if (raw.trim() === "") return undefined;
      while (starts.length > 1 && starts[1].offset < info.bytes) starts.shift();
      const { offset, at, skip } = starts[0];
      const quoted = record.some((cell) => cell.startsWith('"')) ? findQuoteFault(raw, separator) : undefined; // csv-parse leaves the quotes to a quoted cell with text after it
      const fault = quoted && wrongQuote(shard.name, line, raw, quoted, separator).message;
      records.push({ cells: record, line, fault, at, skip: skip + info.bytes - offset, row });
      return undefined; // nothing for its readable side
    },
  };
  const parser = parse(options as unknown as Options); // its types know such records for files read with `columns` only
  parser.on("error", () => {}); // the write below fails with it
  const done = (call: (settle: (error?: Error | null) => void) => void) => new Promise<void>((resolve, reject) => call((error) => (error ? reject(error) : resolve())));
  try {
    let offset = 0;
    for await (const { bytes, at, skip } of openBehindRow(shard, from, [10, 13], nearEnd)) {
      starts.push({ offset, at, skip });
      offset += bytes.length;
      await done((settle) => parser.write(bytes, settle));
      if (records.length > 0) yield records;
      records = [];
    }
    await done((settle) => parser.end(settle));
    if (records.length > 0) yield records;
  } catch (error) {
    throw csvFault(error, shard.name, row + 1, separator);
  } finally {
    parser.destroy();
  }
}
