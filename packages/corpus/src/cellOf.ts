import { CorpusError } from "./corpusError.js";
import type { Cell } from "./format.js";
import { shown } from "./shown.js";

/**
 * The text in a column of a row: of the member of that name, or else along its dots, `meta.text`.
 * @param row what JSON has as a row
 * @param subject file and line, for messages
 * @param known whether another row of the file had the column
 * @throws CorpusError FORMAT for the first object of a file, if it has no such column: then the wish is at fault, not the row
 */
export function cellOf(row: unknown, column: string, subject: () => string, known: boolean): Cell {
  if (!isObject(row)) return { fault: `${subject()}: expected an object, got ${shown(row)}` };
  let value: unknown = row;
  for (const name of Object.hasOwn(row, column) ? [column] : column.split(".")) {
    if (value === null) break; // of an object that is null, every member is
    if (!isObject(value) || !Object.hasOwn(value, name)) {
      const missing = missingColumn(subject(), column, Object.keys(row));
      if (!known) throw missing;
      return { fault: missing.message };
    }
    value = value[name];
  }
  if (typeof value === "string") return { text: value };
  return value === null ? {} : { fault: `${subject()}: expected a text in ${JSON.stringify(column)}, got ${shown(value)}` };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function missingColumn(subject: string, column: string, columns: readonly string[]): CorpusError {
  const listed = columns.slice(0, 12).map((name) => JSON.stringify(name)).join(", ") || "none";
  const more = columns.length > 12 ? ` and ${columns.length - 12} more` : "";
  return new CorpusError("FORMAT", `${subject}: expected a column ${JSON.stringify(column)}, got ${listed}${more}`, "choose one with the option column; a member of a member by dots: meta.text");
}
