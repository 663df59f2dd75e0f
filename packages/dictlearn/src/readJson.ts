import { readFile } from "node:fs/promises";
import { DictlearnError } from "./error.js";

/**
 * A JSON object from a file; undefined where there is no such file.
 * @throws DictlearnError FORMAT
 */
export async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DictlearnError("FORMAT", `${path}: expected JSON, got ${(cause as Error).message}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new DictlearnError("FORMAT", `${path}: expected a JSON object, got ${text.slice(0, 20)}`);
  return value as Record<string, unknown>;
}
