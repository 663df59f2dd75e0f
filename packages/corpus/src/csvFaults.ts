import { CsvError } from "csv-parse";
import { CorpusError } from "./corpusError.js";
import { findQuoteFault, type QuoteFault } from "./quoteFault.js";

export const longestRow = 2 ** 26; // bytes: 64 MiB, as a line of JSON; an unclosed quote would otherwise hold the rest of the file in memory

/** What csv-parse throws, in our words; other errors as they are. */
export function csvFault(error: unknown, name: string, line: number, separator = ","): unknown {
  if (!(error instanceof CsvError)) return error;
  const raw = String(error.raw ?? "");
  const fault = findQuoteFault(raw, separator);
  const tooLong = error.code === "CSV_MAX_RECORD_SIZE";
  if (fault && !tooLong) return wrongQuote(name, line, raw, fault, separator);
  return new CorpusError("FORMAT", `${name}:${line}: expected a row of at most ${longestRow >> 20} MiB, got a longer one${fault?.kind === "open" ? ", or a quote that is never closed" : ""}`, "split its text into several rows", { cause: error });
}

export function wrongQuote(name: string, line: number, raw: string, { opensAt, kind }: QuoteFault, separator = ","): CorpusError {
  const subject = `${name}:${line + lineEnds(raw.slice(0, opensAt))}`;
  const next = separator === "\t" ? "tab" : "comma";
  const got = kind === "open" ? "a quote that is never closed" : "text after the closing quote";
  return new CorpusError("FORMAT", `${subject}: expected a quoted cell "…" up to the next ${next} or line end, got ${got}`, 'write a quote inside a quoted cell as ""');
}

export function wrongLength(subject: string, expected: number, got: number): CorpusError {
  const fields = expected === 1 ? "1 field" : `${expected} fields`;
  const remedy = got > expected ? 'put quotes around a cell with commas: "Well, yes"' : "give every row a field for each column";
  return new CorpusError("FORMAT", `${subject}: expected ${fields} as in the header, got ${got}`, remedy);
}

export function lineEnds(text: string): number {
  return text.match(/\r\n|\r|\n/g)?.length ?? 0;
}
