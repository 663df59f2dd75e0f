import { cellOf } from "./cellOf.js";
import { concat } from "./concat.js";
import { CorpusError } from "./corpusError.js";
import { start, type Format, type Reading, type Row } from "./format.js";
import { readJsonLines } from "./jsonLines.js";
import { endOfString, jsonValue } from "./jsonValue.js";
import { openBytes } from "./openBytes.js";
import type { Shard } from "./shard.js";
import { utf8 } from "./utf8.js";

/**
 * What data sets call `.json`: JSON lines under another name, or one array of objects. An array is held whole, so its size is
 * bounded; a place in it is the number of elements before.
 */
export const json: Format = {
  kind: "jsonl",
  endings: [".json"],
  compressible: true,
  opensAt: "start",
  async *read(shard, reading) {
    if (await isArray(shard)) yield* readArray(shard, reading);
    else yield* readJsonLines(shard, reading);
  },
};

/** Whether the first character is `[`. */
async function isArray(shard: Shard): Promise<boolean> {
  for await (const { bytes } of openBytes(shard, start)) {
    const first = bytes.find((byte) => byte > space);
    if (first !== undefined) return first === bracket;
  }
  return false;
}

const space = 32;
const bracket = 91;

async function* readArray(shard: Shard, { column, from, nearEnd }: Reading): AsyncGenerator<Row[]> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const { bytes } of openBytes(shard, start, nearEnd)) {
    parts.push(bytes);
    length += bytes.length;
    if (length > longestArray)
      throw new CorpusError("UNSUPPORTED", `${shard.name}: expected an array of at most ${longestArray >> 20} MiB, got a longer one`, "write it as JSON lines: jq -c '.[]' data.json > data.jsonl");
  }
  const text = utf8(concat(parts));
  if (text === undefined) throw new CorpusError("FORMAT", `${shard.name}: expected UTF-8, got other bytes`, "save it as UTF-8");
  if (from.at > 0) throw elsewhere(shard);
  let known = from.row > 0;
  let rows: Row[] = [];
  let row = 0;
  for (const element of elementsOf(text, shard.name, from.skip)) {
    row++;
    if (row <= from.skip) continue;
    const cell = cellOf(element, column, () => `${shard.name}[${row - 1}]`, known);
    known ||= cell.fault === undefined;
    rows.push({ ...cell, at: 0, skip: row, row });
    if (rows.length < batch) continue;
    yield rows;
    rows = [];
  }
  if (from.skip > row) throw elsewhere(shard, row);
  if (rows.length > 0) yield rows;
}

function elsewhere({ name }: Shard, elements?: number): CorpusError {
  return new CorpusError("FORMAT", `${name}: expected a cursor into it, got a place ${elements === undefined ? "that is in no array" : `behind its ${elements} elements`}`, "start without the cursor");
}

/**
 * The elements of an array, parsed one by one: whole, an array of empty arrays would take ten times its bytes.
 * @param skip so many are passed over, and come as undefined
 */
function* elementsOf(json: string, name: string, skip: number): Generator<unknown> {
  const fault = (got: string, cause?: unknown) => new CorpusError("FORMAT", `${name}: expected one JSON array, got a fault: ${got}`, "fetch it again, or name JSON lines .jsonl", { cause });
  let at = json.indexOf("[") + 1;
  let start = at;
  let elements = 0;
  for (let depth = 1; depth > 0; at++) {
    const character = json[at];
    if (character === undefined) throw fault("its end before the array's");
    if (character === '"') at = endOfString(json, at);
    else if (character === "[" || character === "{") depth++;
    else if (character === "]" || character === "}") depth--;
    if (depth > 1 || (depth === 1 && character !== ",")) continue;
    const text = json.slice(start, at);
    start = at + 1;
    if (depth === 0 && elements === 0 && text.trim() === "") break; // [] has none
    elements++;
    try {
      yield elements > skip ? jsonValue(text) : undefined;
    } catch (cause) {
      throw fault((cause as Error).message, cause);
    }
  }
  if (json[start - 1] !== "]" || json.slice(start).trim() !== "") throw fault("more behind the array's end");
}

const longestArray = 2 ** 27; // bytes: 128 MiB
const batch = 256; // rows
