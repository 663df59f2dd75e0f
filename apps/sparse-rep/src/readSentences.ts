import { createReadStream, existsSync } from "node:fs";
import { readCsv } from "@dictlearn/corpus";
import { demo } from "@dictlearn/demo";

/** The sentences of a CSV, all of them: a fault in the last line is told before anything is written. */
export async function readSentences(given: string | undefined, column: string, note: (line: string) => void): Promise<string[]> {
  const { name, path } = source(given, note);
  const sentences: string[] = [];
  for await (const { text } of readCsv(createReadStream(path), { column, name })) sentences.push(text);
  return sentences;
}

function source(given: string | undefined, note: (line: string) => void): { name: string; path: string | URL } {
  const own = "sentences.csv";
  const name = given ?? (existsSync(own) ? own : undefined);
  if (name !== undefined) return { name, path: name };
  note(`sentences: no ${own} here, so these are the bundled ones`);
  return { name: "bundled sentences", path: new URL(demo.sentences) };
}
