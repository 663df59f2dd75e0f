import { concat } from "./concat.js";
import { CorpusError } from "./corpusError.js";
import type { Cell, Reading, Row } from "./format.js";
import { openBehindRow } from "./openBehindRow.js";
import type { Shard } from "./shard.js";

/**
 * The rows of a file that has one a line; lines end in `\n` or `\r\n`.
 * @param parse a line without its end, and its number, the first being 1; undefined: it holds no row
 */
export async function* lineRows(shard: Shard, { from, nearEnd }: Reading, parse: (line: Uint8Array, number: number) => Cell | undefined): AsyncGenerator<Row[]> {
  let row = from.row;
  let begun: Uint8Array[] = []; // the parts of a line that has not ended
  let length = 0; // their bytes
  let end = { at: 0, skip: 0 }; // of the bytes so far
  const add = (rows: Row[], line: Uint8Array, at: number, skip: number) => {
    row++;
    const cell = parse(line.at(-1) === carriageReturn ? line.subarray(0, -1) : line, row);
    if (cell) rows.push({ ...cell, at, skip, row });
  };
  for await (const { bytes, at, skip } of openBehindRow(shard, from, [newline], nearEnd)) {
    const rows: Row[] = [];
    let lineStart = 0;
    for (let lineEnd = bytes.indexOf(newline, lineStart); lineEnd >= 0; lineEnd = bytes.indexOf(newline, lineStart)) {
      const line = bytes.subarray(lineStart, lineEnd);
      lineStart = lineEnd + 1;
      if (length === 0) {
        add(rows, line, at, skip + lineStart);
      } else {
        add(rows, concat([...begun, line]), at, skip + lineStart);
        begun = [];
        length = 0;
      }
    }
    if (lineStart < bytes.length) {
      begun.push(bytes.subarray(lineStart));
      length += bytes.length - lineStart;
      if (length > longestLine)
        throw new CorpusError("FORMAT", `${shard.name}:${row + 1}: expected a line of at most ${longestLine >> 20} MiB, got a longer one`, "split it into several texts, or leave the shard out");
    }
    end = { at, skip: skip + bytes.length };
    if (rows.length > 0) yield rows;
  }
  if (length === 0) return;
  const last: Row[] = [];
  add(last, concat(begun), end.at, end.skip);
  if (last.length > 0) yield last;
}

const newline = 10;
const carriageReturn = 13;
const longestLine = 2 ** 26; // bytes: 64 MiB
