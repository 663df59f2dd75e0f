import { statSync } from "node:fs";
import { dirname } from "node:path";
import { CommandError, writeOutput } from "@dictlearn/command";
import { type Provenance, type Reading, type ReadingSummary, type SentenceDetail } from "@dictlearn/report";
import { type Beside } from "./besides.js";

/** Of more sentences a page would be larger than browsers like. */
const mostSentences = 2000;

/**
 * Before anything is computed.
 * @throws CommandError USAGE for a file that is there, unless `force`; IO for a folder, and where there is none for the file
 */
export function expectNew(file: string, force: boolean): void {
  const there = statSync(file, { throwIfNoEntry: false });
  if (there?.isDirectory()) throw new CommandError("IO", `--report: expected a file to write, got ${file}, which is a folder`, `name the page: ${file.replace(/[/\\]+$/, "")}/report.html`);
  if (there?.isFile() && !force) throw new CommandError("USAGE", `--report: expected a new file, got ${file}, which is there`, "--force replaces it");
  if (!statSync(dirname(file), { throwIfNoEntry: false })?.isDirectory()) throw new CommandError("IO", `--report: expected an existing folder, got none at ${dirname(file)}`, "create it first");
}

export interface ReportOptions {
  run: Omit<Provenance, "site" | "dictionary">;
  /** of which the rows will be, measured when all have been read */
  readings: () => readonly ReadingSummary[];
  /** whether readings are compared, even if it is a single one; else the page shows one reading, token by token */
  compared: boolean;
  note: (line: string) => void;
}

/** A page of what was read. */
export async function report(file: string, { run, readings, compared, note }: ReportOptions): Promise<Beside> {
  const pages = await import("@dictlearn/report/html"); // takes as long to load as the rest of this app
  const all: SentenceDetail[][] = [];
  let count = 0;
  return {
    add(rows) {
      if (count++ >= mostSentences) return;
      rows.forEach((row, i) => (all[i] ??= []).push(compared ? { ...row, perToken: [] } : row)); // a comparison shows no tokens
    },
    async commit() {
      if (compared && count > mostSentences) note(`--report: shows the first ${mostSentences.toLocaleString("en")} of ${count.toLocaleString("en")} sentences`);
      const shown: Reading[] = readings().map((reading, i) => ({ ...run, ...reading, sentences: all[i] ?? [] }));
      await writeOutput(file, compared ? pages.comparisonPage(shown, { written: now(), sentences: count }) : pages.sentencesPage(shown[0], { written: now(), sentences: count }));
    },
    async discard() {},
  };
}

const now = () => `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
