import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { type NamedTensor, writeSafetensors, writeTorch } from "@dictlearn/checkpoint";
import { dimensionsOf, type Format, formatNamed, formats, type Written } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";
import { readDictionary, type ReadDictionaryOptions } from "./readDictionary.js";
import { writeWhole } from "./wholeFile.js";
import { writeWholeFolder } from "./wholeFolder.js";

export interface Converted extends Pick<Written, "as" | "changes"> {
  /** The formats by name: `saelens`. */
  from: string;
  to: string;
  /** The class, as `Dictionary.kind`. */
  kind: string;
  /** Width of x, and features. */
  D: number;
  F: number;
  /** The files that were written. */
  files: { weights: string; config: string };
}

export interface ConvertDictionaryOptions extends ReadDictionaryOptions {
  /** `dictionary-learning`, `saelens` or `sparsify` */
  to: string;
  /** Whether a dictionary that is in the folder may be replaced. Anything else there is never touched. */
  replace?: boolean;
}

/**
 * Writes a dictionary of any format in another: the same features and reconstructions, up to rounding where something is
 * folded into the weights (docs/dictionaries.md).
 * @param source as of `openDictionary`
 * @param folder where to: a new one, or an empty one; it appears whole or not at all
 * @throws as `openDictionary`; UNSUPPORTED for a dictionary that the format has no form for, before anything is written; IO
 */
export async function convertDictionary(source: string, folder: string, { to, replace = false, ...options }: ConvertDictionaryOptions): Promise<Converted> {
  const target = formatNamed(to);
  await expectRoom(folder, { replace });
  const { host, format } = await readDictionary(source, options);
  const { tensors, config, as, changes } = target.write(host);
  await writeWholeFolder(await realpath(folder).catch(() => folder), async (beside) => {
    await writeWhole(join(beside, target.files.config), [`${JSON.stringify(config, null, 4)}\n`]);
    await writeWhole(join(beside, target.files.weights), bytesOf(target, tensors));
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause.syscall === undefined) throw cause;
    throw new DictlearnError("IO", `${folder}: expected a folder that can be written, got ${cause.code ?? cause.message}`);
  });
  return { from: format.name, to, kind: host.kind.name, ...dimensionsOf(host), as, changes, files: { config: join(folder, target.files.config), weights: join(folder, target.files.weights) } };
}

function bytesOf({ container }: Format, tensors: Written["tensors"]): Iterable<Uint8Array> {
  if (container === "torch") return writeTorch(tensors);
  return [writeSafetensors(Object.entries(tensors).map(([name, { dtype, shape, data }]) => ({ name, dtype, shape, data }) as NamedTensor))];
}

/** What a folder may hold that a dictionary replaces: SAELens keeps how often its features are active beside it. */
const ofDictionaries = new Set([...formats.flatMap(({ files }) => [files.weights, files.config]), "sparsity.safetensors"]);

/** Beside another format's files a dictionary could not be told any more. */
async function expectRoom(folder: string, { replace }: { replace: boolean }): Promise<void> {
  const names = await readdir(folder).catch(({ code, message }: NodeJS.ErrnoException) => {
    if (code === "ENOENT") return [];
    throw new DictlearnError("IO", `${folder}: expected a folder that can be written, got ${code === "ENOTDIR" ? "a file" : (code ?? message)}`);
  });
  if (names.length === 0) return;
  const got = (some: readonly string[]) => `${some.slice(0, 4).join(", ")}${some.length > 4 ? ", …" : ""}`;
  if (!replace) throw new DictlearnError("USAGE", `${folder}: expected a new or empty folder, got one with ${got(names)}`, "give another, or replace the dictionary in it (replace, --force)");
  const others = names.filter((name) => !ofDictionaries.has(name));
  if (others.length) throw new DictlearnError("USAGE", `${folder}: expected a folder with nothing but a dictionary to replace, got one with ${got(others)}`, "give another");
}
