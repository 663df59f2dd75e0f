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
  if (levelsOf(text) > deepest) throw new DictlearnError("FORMAT", `${subject}: expected at most ${deepest} levels of JSON, got more`); // the stack of whoever walks it would end
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new DictlearnError("FORMAT", `${subject}: expected a JSON object, got ${text.slice(0, 20)}`);
  return value as Record<string, unknown>;
}

const deepest = 64;

const [quote, backslash, opening, closing] = [0x22, 0x5c, [0x5b, 0x7b], [0x5d, 0x7d]]; // " \\ [ { ] }

/** Levels of objects and arrays in JSON that was parsed. Its letters are looked through, not its values: a tokenizer has 100,000 of these. */
function levelsOf(json: string): number {
  let [level, most] = [0, 0];
  for (let i = 0; i < json.length; i++) {
    const letter = json.charCodeAt(i);
    if (letter === quote) {
      while (json.charCodeAt(++i) !== quote) if (json.charCodeAt(i) === backslash) i++;
    } else if (letter === opening[0] || letter === opening[1]) most = Math.max(most, ++level);
    else if (letter === closing[0] || letter === closing[1]) level--;
  }
  return most;
}
