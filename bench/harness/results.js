import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** @returns { rowId: result } of a case; empty where it never ran */
export function readResults(folder, name) {
  const path = join(folder, `${name}.json`);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {};
}

/** @returns { case: { rowId: result } } */
export const readAll = (folder) => Object.fromEntries(readdirSync(folder).flatMap((file) => (file.endsWith(".json") ? [[file.slice(0, -5), readResults(folder, file.slice(0, -5))]] : [])));

/** Rows that did not run stay as they were. */
export function writeResult(folder, name, id, result) {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.json`);
  writeFileSync(`${path}.part`, `${JSON.stringify({ ...readResults(folder, name), [id]: result }, null, 2)}\n`);
  renameSync(`${path}.part`, path);
}
