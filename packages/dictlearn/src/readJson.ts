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
  if (isDeeper(value, deepest)) throw new DictlearnError("FORMAT", `${subject}: expected at most ${deepest} levels of JSON, got more`); // the stack of whoever walks it would end
  return value as Record<string, unknown>;
}

const deepest = 64;

/** Whether a value of JSON has more levels of objects and lists than that. A tokenizer has 100,000 texts and numbers, which cost no call. */
function isDeeper(value: object, levels: number): boolean {
  if (levels === 0) return true;
  for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null && isDeeper(inner, levels - 1)) return true;
  return false;
}
