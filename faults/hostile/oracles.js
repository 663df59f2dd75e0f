import { readdirSync, readFileSync } from "node:fs";

const root = new URL("../../oracles/", import.meta.url);

/** A recorded file. */
export const recorded = (path) => new Uint8Array(readFileSync(new URL(path, root)));

/** The recorded files of a folder whose names match, none larger than `most` bytes. */
export function recordedIn(folder, names, most = 32_768) {
  return readdirSync(new URL(folder, root))
    .filter((name) => names.test(name))
    .map((name) => recorded(`${folder}${name}`))
    .filter(({ length }) => length > 0 && length <= most);
}
