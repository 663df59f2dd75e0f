import { parquetMetadataAsync, parquetScan, parquetSchema, type AsyncBuffer, type ColumnMetaData, type FileMetaData, type SchemaElement } from "hyparquet";
import { cellOf, missingColumn } from "./cellOf.js";
import { CorpusError } from "./corpusError.js";
import type { Cell, Reading, Row } from "./format.js";
import { checkThrift, compressors, largestColumn, mostRows, PageCheck } from "./parquetGuard.js";
import type { Shard } from "./shard.js";
import { utf8 } from "./utf8.js";

/** The rows of `parquet`. */
export async function* readParquet(shard: Shard, { column, from, nearEnd }: Reading): AsyncGenerator<Row[]> {
  const told = inOurWords(shard);
  const whole = await told.wait(async () => {
    await checkFooter(told.file);
    return parquetMetadataAsync(told.file, { geoparquet: false });
  });
  const { metadata, top, optional } = await told.wait(async () => onlyColumn(whole, column, shard.name));
  const groups = metadata.row_groups.length;
  const valid = from.at < groups ? from.skip <= Number(metadata.row_groups[from.at].num_rows) : from.at === 0 && from.skip === 0;
  if (!valid) throw new CorpusError("FORMAT", `${shard.name}: expected a cursor into it, got a place behind its end`, "start without the cursor");

  let row = from.row;
  for (let at = from.at; at < groups; at++) {
    if (at === groups - 1) nearEnd();
    const group = metadata.row_groups[at];
    const count = Number(group.num_rows);
    let skip = at === from.at ? from.skip : 0;
    const bytes = Number(group.columns[0]?.meta_data?.total_uncompressed_size ?? 0);
    if (bytes > largestColumn)
      throw new CorpusError("UNSUPPORTED", `${shard.name}: expected row groups with at most ${largestColumn >> 20} MiB of ${JSON.stringify(column)}, got ${Math.ceil(bytes / 2 ** 20)} MiB in group ${at}`, "write it with smaller row groups");
    if (count > mostRows) throw new CorpusError("UNSUPPORTED", `${shard.name}: expected row groups with at most ${mostRows} rows, got ${count} in group ${at}`, "write it with smaller row groups");
    if (skip >= count) continue;
    const values = await told.wait(async () => {
      told.guard(group.columns[0]?.meta_data, optional);
      const alone = { ...metadata, num_rows: group.num_rows, row_groups: [group] }; // the library looks through all groups on each call
      const scan = await parquetScan({ file: told.file, metadata: alone, compressors, parsers: { stringFromBytes }, columns: [top] });
      return scan.readColumn({ column: top, rowStart: skip, rowEnd: count });
    });
    if (values.length !== count - skip) throw told.fault(`${values.length} rows in group ${at}, whose header says ${count - skip}`);
    for (let i = 0; i < values.length; i += batch) {
      const rows: Row[] = [];
      for (let j = i; j < Math.min(i + batch, values.length); j++) {
        skip++;
        row++;
        rows.push({ ...cell({ [top]: values[j] ?? null }, column, `${shard.name}:${row}`), at, skip, row });
      }
      yield rows;
    }
  }
}

const batch = 1024; // rows

const notUtf8 = { notUtf8: true }; // stands for a text that is none, so that it is one row that is broken
const stringFromBytes = (bytes: Uint8Array | undefined): unknown => bytes && (utf8(bytes) ?? notUtf8);

function cell(row: Record<string, unknown>, column: string, subject: string): Cell {
  const found = cellOf(row, column, () => subject, true);
  return found.fault !== undefined && Object.values(row).some(holdsNotUtf8) ? { fault: `${subject}: expected UTF-8, got other bytes` } : found;
}

function holdsNotUtf8(value: unknown): boolean {
  return value === notUtf8 || (typeof value === "object" && value !== null && Object.values(value).some(holdsNotUtf8));
}

/**
 * The metadata as if the file had that column alone: the library takes columns of the top level, with all that is in
 * them, and `meta.text` shall not read the rest of `meta`.
 * @returns top: the column of the top level that it is in; optional: how many levels of its path may be null
 */
function onlyColumn(metadata: FileMetaData, column: string, name: string): { metadata: FileMetaData; top: string; optional: number } {
  const root = parquetSchema(metadata);
  const path = root.children.some(({ element }) => element.name === column) ? [column] : column.split(".");
  const schema: SchemaElement[] = [{ ...root.element, num_children: 1 }];
  let node = root;
  for (const [depth, member] of path.entries()) {
    const next = node.children.find(({ element }) => element.name === member);
    if (!next) throw missingColumn(name, column, node.children.map((child) => [...path.slice(0, depth), child.element.name].join(".")));
    schema.push(depth < path.length - 1 ? { ...next.element, num_children: 1 } : next.element);
    if (next.element.repetition_type === "REPEATED" || listLike.has(next.element.converted_type ?? "") || listLike.has(next.element.logical_type?.type ?? ""))
      throw notTexts(name, column, "lists");
    node = next;
  }
  const { element, children } = node;
  if (children.length > 0) throw notTexts(name, column, `members ${children.map((child) => JSON.stringify(`${column}.${child.element.name}`)).join(", ")}`);
  const kind = element.logical_type?.type ?? element.converted_type ?? String(element.type);
  if (!stringLike.has(kind)) throw notTexts(name, column, kind === "NULL" ? "nothing but nulls" : `values of type ${kind}`);
  const row_groups = metadata.row_groups.map((group) => ({
    ...group,
    columns: group.columns.filter(({ meta_data }) => meta_data?.path_in_schema.join("\0") === path.join("\0")),
  }));
  return { metadata: { ...metadata, schema, row_groups }, top: path[0], optional: schema.slice(1).filter(({ repetition_type }) => repetition_type === "OPTIONAL").length };
}

const stringLike = new Set(["STRING", "UTF8", "ENUM", "JSON"]);
const listLike = new Set(["LIST", "MAP", "MAP_KEY_VALUE"]);

function notTexts(name: string, column: string, got: string): CorpusError {
  return new CorpusError("UNSUPPORTED", `${name}: expected texts in column ${JSON.stringify(column)}, got ${got}`, "choose a column of strings with the option column");
}

/** @throws Error for a footer of which the library would allocate more than it holds */
async function checkFooter(file: AsyncBuffer): Promise<void> {
  const { byteLength } = file;
  if (byteLength < 12) throw new Error(`${byteLength} bytes`);
  const length = new DataView(await file.slice(byteLength - 8, byteLength)).getUint32(0, true);
  if (length > byteLength - 8) throw new Error(`a footer of ${length} bytes`);
  checkThrift({ view: new DataView(await file.slice(byteLength - 8 - length, byteLength - 8)), offset: 0 });
}

/** The shard as the library reads it, and what the library throws in our words; what the shard throws as it is. */
function inOurWords(shard: Shard) {
  let unreadable: unknown;
  let guarded: { start: number; end: number; check: PageCheck } | undefined; // the column that is read now
  const file: AsyncBuffer = {
    byteLength: shard.byteLength,
    slice(start, end = shard.byteLength) {
      const bytes = slice(start, end);
      bytes.catch(() => {}); // the library asks ahead, and may fail before it waits for what it asked
      return bytes;
    },
  };
  async function slice(start: number, end: number): Promise<ArrayBuffer> {
    if (!(start >= 0 && start <= end && end <= shard.byteLength)) throw fault(`bytes ${start} to ${end} of ${shard.byteLength} asked for`);
    try {
      const bytes = await shard.slice(start, end);
      if (bytes.byteLength !== end - start) throw new CorpusError("IO", `${shard.name}: expected ${end - start} bytes from byte ${start} on, got ${bytes.byteLength}`, "fetch it again");
      if (guarded && start >= guarded.start && end <= guarded.end) checked(guarded.check, bytes);
      return bytes;
    } catch (error) {
      unreadable = error;
      throw error;
    }
  }
  function checked(check: PageCheck, bytes: ArrayBuffer): void {
    try {
      check.pages(bytes);
    } catch (error) {
      throw fault(`a fault: ${(error as Error).message}`, error);
    }
  }
  const fault = (got: string, cause?: unknown) => new CorpusError("FORMAT", `${shard.name}: expected a whole Parquet file, got ${got}`, "fetch it again", { cause });
  return {
    file,
    fault,
    /** Sees to it that pages of this column are looked through before the library decodes them. */
    guard(column: ColumnMetaData | undefined, optional: number): void {
      if (!column) return;
      const start = Number(column.dictionary_page_offset || column.data_page_offset);
      guarded = { start, end: start + Number(column.total_compressed_size), check: new PageCheck(column.codec, optional) };
    },
    async wait<R>(reading: () => Promise<R>): Promise<R> {
      try {
        return await reading();
      } catch (error) {
        throw error === unreadable || error instanceof CorpusError ? error : fault(`a fault: ${(error as Error).message}`, error);
      }
    },
  };
}
