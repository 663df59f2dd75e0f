import { stat } from "node:fs/promises";
import { basename, dirname, posix } from "node:path";
import { fileURLToPath } from "node:url";
import { demo } from "@dictlearn/demo";
import { parseHubName } from "@dictlearn/hub";
import { DictlearnError } from "./error.js";
import { type Folder } from "./folder.js";
import { hubFolder } from "./hubFolder.js";
import { localFolder } from "./localFolder.js";
import { defaultHub, type HubOption } from "./openFolder.js";
import { zipFolder } from "./zipFolder.js";

/** Where a dictionary lies: the path of its `ae.pt` in a folder; its `config.json` is beside it. */
export interface DictionaryFiles {
  folder: Folder;
  path: string;
}

/**
 * The files that a dictionary's name means; a folder means the `ae.pt` in it.
 * @param name a path on this machine, `hf:OWNER/REPO[@REV]/path/in/repo[.zip!/entry]`, or "demo"
 */
export async function dictionaryFiles(name: string, { hub }: HubOption): Promise<DictionaryFiles> {
  if (name === "demo") return { folder: localFolder(fileURLToPath(demo.dictionary)), path: "ae.pt" };
  if (name.startsWith("hf:")) {
    const { path = "", entry, ...ref } = parseHubName(name);
    const at = hub ?? defaultHub();
    return entry === undefined ? { folder: hubFolder(at, ref), path: fileIn(path) } : { folder: zipFolder(at, ref, path), path: fileIn(entry) };
  }
  const found = await stat(name).catch(() => undefined);
  if (!found) throw new DictlearnError("NOT_FOUND", `${name}: expected a dictionary (ae.pt, or its folder), got no such file`, 'give the path of an ae.pt, hf:OWNER/REPO/path of one on the Hugging Face Hub, or "demo"');
  return found.isDirectory() ? { folder: localFolder(name), path: "ae.pt" } : { folder: localFolder(dirname(name)), path: basename(name) };
}

const fileIn = (path: string) => (path.endsWith(".pt") ? path : posix.join(path, "ae.pt"));
