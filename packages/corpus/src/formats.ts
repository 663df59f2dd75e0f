import { compressionOf, compressions } from "./compressions.js";
import { CorpusError } from "./corpusError.js";
import { csv, tsv } from "./csv.js";
import type { Format } from "./format.js";
import { json } from "./json.js";
import { jsonLines } from "./jsonLines.js";
import { parquet } from "./parquet.js";
import { plainText } from "./plainText.js";

const formats: readonly Format[] = [jsonLines, json, csv, tsv, plainText, parquet];

/**
 * How a file is read, by the ending of its name; capitals do not count.
 * @throws CorpusError UNSUPPORTED
 */
export function formatOf(name: string): Format {
  const format = find(name);
  if (format) return format;
  const known = formats.flatMap(({ endings }) => endings).join(", ");
  throw new CorpusError("UNSUPPORTED", `${name}: expected a file that ends in ${known}, got another ending`, `around text formats there may be ${compressions.map(({ ending }) => ending).join(" or ")}`);
}

/** Which kind of file it is, by the ending of its name: "jsonl" of `a.JSON.zst`; undefined for one that is not read. */
export const kindOf = (name: string): Format["kind"] | undefined => find(name)?.kind;

function find(name: string): Format | undefined {
  const compression = compressionOf(name);
  const inner = name.toLowerCase().slice(0, compression && -compression.ending.length);
  return formats.find(({ endings, compressible }) => (compressible || !compression) && endings.some((ending) => inner.endsWith(ending)));
}
