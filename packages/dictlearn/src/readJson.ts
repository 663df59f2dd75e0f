import { DictlearnError } from "./error.js";
import { type Folder, pathIn } from "./folder.js";

/**
 * A JSON object from a file; undefined where there is no such file.
 * @throws DictlearnError FORMAT
 */
export async function readJson(folder: Folder, path: string): Promise<Record<string, unknown> | undefined> {
  const text = await folder.text(path);
  if (text === undefined) return undefined;
  const subject = pathIn(folder, path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DictlearnError("FORMAT", `${subject}: expected JSON, got ${(cause as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new DictlearnError("FORMAT", `${subject}: expected a JSON object, got ${text.slice(0, 20)}`);
  if (levelsOf(text) > deepest) throw new DictlearnError("FORMAT", `${subject}: expected at most ${deepest} levels of JSON, got more`); // the stack of whoever walks it would end
  return value as Record<string, unknown>;
}

const deepest = 64;

/**
 * How many levels of objects and lists a text has that is JSON: its brackets are what is left without its texts, from which
 * escapes go first. A walk through a tokenizer's value asks for 100,000 texts and numbers, and takes seven times as long.
 */
function levelsOf(text: string): number {
  let [level, most] = [0, 0];
  for (const bracket of text.replace(/\\./g, "").replace(/"[^"]*"|[^"[\]{}]+/g, "")) {
    level += bracket === "{" || bracket === "[" ? 1 : -1;
    most = Math.max(most, level);
  }
  return most;
}
