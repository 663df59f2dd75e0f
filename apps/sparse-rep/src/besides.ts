import { type SentenceDetail } from "@dictlearn/report";

/** A file that is written besides the table, from the same pass: whole or not at all. */
export interface Beside {
  /** @param rows of one sentence, one for each reading, in their order */
  add(rows: readonly SentenceDetail[]): void | Promise<void>;
  /** Puts the file in its place, when everything has been read. */
  commit(): Promise<void>;
  /** Leaves no trace; after a commit, nothing. */
  discard(): Promise<void>;
}

/** Sentences on their way to the table, shown to the files besides it first. */
export async function* alongside(sentences: AsyncIterable<SentenceDetail[]>, files: readonly Beside[]): AsyncGenerator<SentenceDetail[], void> {
  for await (const rows of sentences) {
    for (const file of files) await file.add(rows);
    yield rows;
  }
}
