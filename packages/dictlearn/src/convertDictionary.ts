import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { type NamedTensor, writeSafetensors, writeTorch } from "@dictlearn/checkpoint";
import { makeFolder } from "@dictlearn/hub";
import { type Format, formatNamed } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";
import { readDictionary, type ReadDictionaryOptions } from "./readDictionary.js";
import { writeWhole } from "./wholeFile.js";

export interface Converted {
  /** The formats by name: `saelens`. */
  from: string;
  to: string;
  /** The class, as `Dictionary.kind`. */
  kind: string;
  /** The files that were written. */
  files: { weights: string; config: string };
}

/**
 * Writes a dictionary of any format in another: the same features and reconstructions, up to rounding where something is
 * folded into the weights (docs/dictionaries.md).
 * @param source as of `openDictionary`
 * @param folder where to: a new one, or an empty one
 * @param options.to `dictionary-learning`, `saelens` or `sparsify`
 * @throws as `openDictionary`; UNSUPPORTED for a dictionary that the format has no form for, before anything is written; IO
 */
export async function convertDictionary(source: string, folder: string, { to, ...options }: ReadDictionaryOptions & { to: string }): Promise<Converted> {
  const target = formatNamed(to);
  const { host, format } = await readDictionary(source, options);
  const { tensors, config } = target.write(host);
  await expectEmpty(folder);
  const files = { config: join(folder, target.files.config), weights: join(folder, target.files.weights) };
  await writeWhole(files.config, [`${JSON.stringify(config, null, 4)}\n`]);
  await writeWhole(files.weights, bytesOf(target, tensors));
  return { from: format.name, to, kind: host.kind.name, files };
}

function bytesOf({ container }: Format, tensors: ReturnType<Format["write"]>["tensors"]): Iterable<Uint8Array> {
  if (container === "torch") return writeTorch(tensors);
  return [writeSafetensors(Object.entries(tensors).map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, data }) as NamedTensor))];
}

/** Makes the folder. Beside another format's files a dictionary could not be told any more. */
async function expectEmpty(folder: string): Promise<void> {
  let names: string[];
  try {
    await makeFolder(folder);
    names = await readdir(folder);
  } catch (cause) {
    throw new DictlearnError("IO", `${folder}: expected a folder that can be written, got ${(cause as NodeJS.ErrnoException).code ?? (cause as Error).message}`);
  }
  if (names.length) throw new DictlearnError("USAGE", `${folder}: expected a new or empty folder, got one with ${names.slice(0, 4).join(", ")}${names.length > 4 ? ", …" : ""}`, "give another, or empty it first");
}
