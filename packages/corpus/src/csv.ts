import { missingColumn } from "./cellOf.js";
import { CorpusError } from "./corpusError.js";
import { wrongLength } from "./csvFaults.js";
import { csvRecords, type CsvRecord } from "./csvRecords.js";
import { start, type Cell, type Format, type Reading, type Row } from "./format.js";
import type { Shard } from "./shard.js";
import { utf8 } from "./utf8.js";

/** RFC 4180 with a header. An empty cell is null; `NA` and `42` are texts. */
export const csv: Format = { kind: "csv", endings: [".csv"], compressible: true, opensAt: "start", read: (shard, reading) => read(shard, reading, ",") };

/** The same with tabs between the cells. */
export const tsv: Format = { kind: "csv", endings: [".tsv"], compressible: true, opensAt: "start", read: (shard, reading) => read(shard, reading, "\t") };

async function* read(shard: Shard, { column, from, nearEnd }: Reading, separator: string): AsyncGenerator<Row[]> {
  let header = from.row > 0 ? await readHeader(shard, column, separator) : undefined;
  for await (const records of csvRecords(shard, from, separator, nearEnd)) {
    const rows: Row[] = [];
    for (const record of records) {
      if (header) rows.push({ ...cellIn(record, header, shard.name), at: record.at, skip: record.skip, row: record.row });
      else header = headerOf(record, column, shard.name);
    }
    if (rows.length > 0) yield rows;
  }
}

interface Header {
  width: number;
  position: number;
}

/** For a place behind the header: what stands before is needed all the same, and nothing after. */
async function readHeader(shard: Shard, column: string, separator: string): Promise<Header | undefined> {
  for await (const [record] of csvRecords(shard, start, separator, () => {})) return headerOf(record, column, shard.name);
  return undefined;
}

function headerOf({ cells, fault }: CsvRecord, column: string, name: string): Header {
  if (fault) throw new CorpusError("FORMAT", fault, 'write a quote inside a quoted cell as ""');
  const labels = cells.map((cell) => decoded(cell) ?? cell);
  const position = labels.indexOf(column);
  if (position < 0) throw missingColumn(name, column, labels);
  if (labels.lastIndexOf(column) !== position)
    throw new CorpusError("FORMAT", `${name}: expected one column ${JSON.stringify(column)}, got ${labels.filter((label) => label === column).length}`, "give each column its own name");
  return { width: labels.length, position };
}

function cellIn({ cells, line, fault }: CsvRecord, { width, position }: Header, name: string): Cell {
  if (fault) return { fault };
  if (cells.length !== width) return { fault: wrongLength(`${name}:${line}`, width, cells.length).message };
  const text = decoded(cells[position]);
  if (text === undefined) return { fault: `${name}:${line}: expected UTF-8, got other bytes` };
  return text === "" ? {} : { text };
}

const decoded = (latin1: string) => utf8(Buffer.from(latin1, "latin1"));
