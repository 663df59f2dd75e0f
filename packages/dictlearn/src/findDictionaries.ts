import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { formats } from "@dictlearn/sae";

const weightsNames: readonly string[] = formats.map(({ files }) => files.weights);
/** Folders in which a run keeps what is not its result. */
const aside = /^(checkpoints|state|earlier-\d+|\..*)$/;
const deepest = 4; // folders: dictionaries/pythia-70m-deduped/mlp_out_layer3/10_32768

/**
 * The dictionaries that a name of `openDictionary` means: of the folder of a run, or of several runs, all that lie under
 * it (`sae_results` → `sae_results/resid_post_layer_3/trainer_0`, ...), in the order of their names; else the name itself.
 */
export async function findDictionaries(name: string): Promise<string[]> {
  const isFolder = !name.startsWith("hf:") && name !== "demo" && (await stat(name).catch(() => undefined))?.isDirectory();
  const found = isFolder ? await under(name, deepest) : [];
  return found.length ? found.sort((a, b) => a.localeCompare(b, "en", { numeric: true })) : [name];
}

async function under(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  if (entries.some(({ name }) => weightsNames.includes(name))) return [folder];
  if (depth === 0) return [];
  const folders = entries.filter((entry) => entry.isDirectory() && !aside.test(entry.name));
  return (await Promise.all(folders.map(({ name }) => under(join(folder, name), depth - 1)))).flat();
}
