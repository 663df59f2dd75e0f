import { existsSync } from "node:fs";
import { CommandError, writeOutput } from "@dictlearn/command";
import { type Provenance, type Reading, type ReadingSummary, type SentenceDetail } from "@dictlearn/report";
import { type Beside } from "./besides.js";

/** Of more sentences a page would be larger than browsers like. */
const mostSentences = 2000;

/** @throws CommandError USAGE for a file that is there, unless `force` */
export function expectNew(file: string, force: boolean): void {
  if (!force && existsSync(file)) throw new CommandError("USAGE", `--report: expected a new file, got ${file}, which is there`, "--force replaces it");
}

/** A page of what was read. @param readings of which the rows will be, measured when all have been read */
export async function report(file: string, { run, readings, note }: { run: Omit<Provenance, "site" | "dictionary">; readings: () => readonly ReadingSummary[]; note: (line: string) => void }): Promise<Beside> {
  const pages = await import("@dictlearn/report/html"); // takes as long to load as the rest of this app
  const all: SentenceDetail[][] = [];
  let count = 0;
  return {
    add(rows) {
      if (count++ >= mostSentences) return;
      rows.forEach((row, i) => (all[i] ??= []).push(rows.length > 1 ? { ...row, perToken: [] } : row)); // a comparison shows no tokens
    },
    async commit() {
      if (count > mostSentences) note(`--report: shows the first ${mostSentences.toLocaleString("en")} of ${count.toLocaleString("en")} sentences`);
      const shown: Reading[] = readings().map((reading, i) => ({ ...run, ...reading, sentences: all[i] ?? [] }));
      await writeOutput(file, pages.comparisonPage(shown, { written: now(), sentences: count }));
    },
    async discard() {},
  };
}

const now = () => `${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`;
