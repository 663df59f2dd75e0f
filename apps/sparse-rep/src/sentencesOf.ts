import { createReadStream, existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { progress } from "@dictlearn/command";
import { readCsv } from "@dictlearn/corpus";

export interface Sentences {
  /** The sentences from the first one on, as often as it is called; of a pipe, once. */
  open(): AsyncIterable<string>;
  /** How many there are; not known of a pipe. */
  total?: number;
}

/** Of a file that is no larger the sentences are kept, so that it is not parsed twice. */
const keptBytes = 2 ** 20;

/**
 * The sentences of a CSV, one by one. A file is read once beforehand, so that a fault in its last line is told before
 * anything is computed; a pipe can be read only once, as it comes.
 */
export async function sentencesOf(given: string | undefined, { column, note, quiet }: { column: string; note: (line: string) => void; quiet: boolean }): Promise<Sentences> {
  const { name, path } = await source(given, note);
  const found = await stat(path).catch(() => undefined); // reading says what is wrong with it
  async function* open(onBytes?: (bytes: number) => void): AsyncGenerator<string> {
    const stream = createReadStream(path);
    for await (const { text } of readCsv(stream, { column, name })) {
      onBytes?.(stream.bytesRead);
      yield text;
    }
  }
  if (found && !found.isFile() && !found.isDirectory()) return { open };

  using bar = progress({ label: "reading", unit: "bytes", total: found?.size, quiet });
  const kept: string[] | undefined = found && found.size <= keptBytes ? [] : undefined;
  let total = 0;
  for await (const sentence of open((bytes) => total % 4096 === 0 && bar.update(bytes))) {
    total++;
    kept?.push(sentence);
  }
  return {
    total,
    async *open() {
      yield* kept ?? open();
    },
  };
}

async function source(given: string | undefined, note: (line: string) => void): Promise<{ name: string; path: string | URL }> {
  const own = "sentences.csv";
  const name = given ?? (existsSync(own) ? own : undefined);
  if (name !== undefined) return { name, path: name };
  note(`sentences: no ${own} here, so these are the bundled ones`);
  return { name: "bundled sentences", path: new URL((await import("@dictlearn/demo")).demo.sentences) };
}
