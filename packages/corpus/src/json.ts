import { cellOf } from "./cellOf.js";
import { concat } from "./concat.js";
import { CorpusError } from "./corpusError.js";
import { start, type Format, type Reading, type Row } from "./format.js";
import { readJsonLines } from "./jsonLines.js";
import { openBytes } from "./openBytes.js";
import type { Shard } from "./shard.js";
import { utf8 } from "./utf8.js";

/**
 * What data sets call `.json`: JSON lines under another name, or one array of objects. JSON.parse wants an array whole,
 * so its size is bounded; a place in it is the number of elements before.
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
  let elements: unknown[];
  try {
    elements = JSON.parse(text) as unknown[];
  } catch (error) {
    throw new CorpusError("FORMAT", `${shard.name}: expected one JSON array, got a fault: ${(error as Error).message}`, "fetch it again, or name JSON lines .jsonl", { cause: error });
  }
  if (from.at > 0 || from.skip > elements.length)
    throw new CorpusError("FORMAT", `${shard.name}: expected a cursor into it, got a place behind its ${elements.length} elements`, "start without the cursor");
  let known = from.row > 0;
  for (let first = from.skip; first < elements.length; first += batch) {
    yield elements.slice(first, first + batch).map((element, i): Row => {
      const row = first + i + 1;
      const cell = cellOf(element, column, () => `${shard.name}[${row - 1}]`, known);
      known ||= cell.fault === undefined;
      return { ...cell, at: 0, skip: row, row };
    });
  }
}

const longestArray = 2 ** 27; // bytes: 128 MiB
const batch = 256; // rows
