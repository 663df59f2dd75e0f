import { cellOf } from "./cellOf.js";
import type { Format, Reading, Row } from "./format.js";
import { jsonValue } from "./jsonValue.js";
import { lineRows } from "./lineRows.js";
import type { Shard } from "./shard.js";
import { shown } from "./shown.js";
import { utf8 } from "./utf8.js";

/** A JSON object a line; blank lines are skipped. @see https://jsonlines.org */
export const jsonLines: Format = {
  kind: "jsonl",
  endings: [".jsonl", ".ndjson", ".json-lines", ".jsonlines"],
  compressible: true,
  opensAt: "start",
  read: readJsonLines,
};

export function readJsonLines(shard: Shard, reading: Reading): AsyncGenerator<Row[]> {
  let known = reading.from.row > 0; // whether the column has been seen
  return lineRows(shard, reading, (bytes, number) => {
    const subject = () => `${shard.name}:${number}`;
    const line = utf8(bytes);
    if (line === undefined) return { fault: `${subject()}: expected UTF-8, got other bytes` };
    let value: unknown;
    try {
      value = jsonValue(line);
    } catch {
      return line.trim() === "" ? undefined : { fault: `${subject()}: expected a JSON object, got ${shown(line)}` };
    }
    const cell = cellOf(value, reading.column, subject, known);
    known ||= cell.fault === undefined;
    return cell;
  });
}
