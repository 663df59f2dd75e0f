import { stat } from "node:fs/promises";
import { basename, dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { parseHubName } from "@dictlearn/hub";
import { formats } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";
import { type Folder } from "./folder.js";
import { hubFolder } from "./hubFolder.js";
import { localFolder } from "./localFolder.js";
import { defaultHub, type HubOption } from "./openFolder.js";
import { zipFolder } from "./zipFolder.js";

/** Where a dictionary lies: the path of its weights in a folder; its config is beside them. */
export interface DictionaryFiles {
  folder: Folder;
  path: string;
}

/** What the weights may be called in a folder that is given as a whole. */
const weightsNames = formats.map(({ files }) => files.weights);
export const configNames: readonly string[] = [...new Set(formats.map(({ files }) => files.config))];

/**
 * The files that a dictionary's name means; a folder means the weights in it.
 * @param name a path on this machine, `hf:OWNER/REPO[@REV]/path/in/repo[.zip!/entry]`, or "demo"
 * @throws NOT_FOUND, and FORMAT for a folder with several
 */
export async function dictionaryFiles(name: string, { hub }: HubOption): Promise<DictionaryFiles> {
  if (name === "demo") return { folder: localFolder(fileURLToPath((await import("@dictlearn/demo")).demo.dictionary)), path: "ae.pt" };
  if (name.startsWith("hf:")) {
    const { path = "", entry, ...ref } = parseHubName(name);
    const at = hub ?? defaultHub();
    const inside = entry ?? path;
    const paths = isWeights(inside) ? [inside] : weightsNames.map((weights) => posix.join(inside, weights));
    if (entry === undefined) return (await only(name, hubFolder(at, ref, { known: paths }), paths)) ?? none(name, paths);
    const folder = zipFolder(at, ref, path);
    return (await only(name, folder, paths)) ?? { folder, path: paths[0] }; // reading it says which entries are near
  }
  const found = await stat(name).catch(() => undefined);
  if (!found) throw new DictlearnError("NOT_FOUND", `${name}: expected a dictionary (${either(weightsNames)}, or the folder of one), got no such file`, 'give its path, hf:OWNER/REPO/path of one on the Hugging Face Hub, or "demo"');
  return found.isDirectory() ? ((await only(name, localFolder(name), weightsNames)) ?? none(name, weightsNames)) : { folder: localFolder(dirname(name)), path: basename(name) };
}

const isWeights = (path: string) => /\.(pt|safetensors)$/.test(path);

/** The one of these paths at which something lies. Of a single one the reader says if there is nothing. */
async function only(name: string, folder: Folder, paths: readonly string[]): Promise<DictionaryFiles | undefined> {
  if (paths.length === 1) return { folder, path: paths[0] };
  const there = await Promise.all(paths.map((path) => folder.has(path)));
  const found = paths.filter((_, i) => there[i]);
  if (found.length > 1) throw new DictlearnError("FORMAT", `${name}: expected one dictionary, got ${found.join(" and ")}`, "give the path of one of them");
  return found.length ? { folder, path: found[0] } : undefined;
}

function none(name: string, paths: readonly string[]): never {
  throw new DictlearnError("NOT_FOUND", `${name}: expected a dictionary (${either(paths)}), got none of them`, "give the path of its weights");
}

const either = (names: readonly string[]) => names.join(", ").replace(/, ([^,]*)$/, " or $1");
