import { kindOf } from "@dictlearn/corpus";
import picomatch from "picomatch";
import { dataConfigs, type DataConfig } from "./dataCard.js";
import { DictlearnError } from "./error.js";

export interface DataFilesOptions {
  /** What errors call the data set. */
  name: string;
  /** Paths of all its files. */
  files: readonly string[];
  /** The text of its README.md. */
  card?: string;
  config?: string;
  /** Default "train". */
  split?: string;
}

/**
 * The files of one split of a data set, found as Hugging Face's `datasets` finds them: by the patterns of its card; else
 * numbered shards in data/; else folders and files named after a split; else all are train. Of several kinds the most
 * common is read. Two things differ: no file is read twice, and beside folders named after splits a split that has none
 * may be a file (`train/00.jsonl`, `val.jsonl`).
 * @throws DictlearnError USAGE: an unknown config or split, with those there are; UNSUPPORTED: files of other kinds only
 */
export function dataFiles({ name, files, card = "", config, split = "train" }: DataFilesOptions): string[] {
  const chosen = configOf(dataConfigs(card, `${name}: README.md`), config, name);
  const folder = inFolder(chosen?.folder);
  const inside = files.flatMap((file) => (file.startsWith(folder) ? [file.slice(folder.length)] : []));
  const bySplit = chosen?.patterns ? new Map([...chosen.patterns].map(([split, patterns]) => [split, matching(patterns, inside)])) : splitsByName(inside);

  const found = bySplit.get(split);
  if (!found) {
    const there = [...bySplit.keys()];
    if (there.length === 0) throw new DictlearnError("NOT_FOUND", `${name}: expected files of texts, got none`);
    throw new DictlearnError("USAGE", `${name}: expected a split, one of ${there.join(", ")}, got ${JSON.stringify(split)}`, `choose one: split: ${JSON.stringify(there[0])}`);
  }
  const kind = mostCommon(found.flatMap((file) => kindOf(file) ?? []));
  if (kind === undefined) throw unsupported(name, found.length ? found : files);
  return found.filter((file) => kindOf(file) === kind).map((file) => `${folder}${file}`);
}

function configOf(configs: readonly DataConfig[], asked: string | undefined, name: string): DataConfig | undefined {
  if (configs.length === 0) {
    if (asked === undefined || asked === "default") return undefined;
    throw new DictlearnError("USAGE", `${name}: expected no config, since it has none, got ${JSON.stringify(asked)}`, "leave it out");
  }
  const chosen = asked === undefined ? (configs.length === 1 ? configs[0] : configs.find((config) => config.default || config.name === "default")) : configs.find((config) => config.name === asked);
  if (chosen) return chosen;
  const there = configs.map((config) => config.name);
  throw new DictlearnError("USAGE", `${name}: expected a config, one of ${there.join(", ")}, got ${asked === undefined ? "none" : JSON.stringify(asked)}`, `choose one: config: ${JSON.stringify(there[0])}`);
}

const plain = (folder: string) => folder.replace(/^(\.\/)+|\/+$/g, "");

/** What the paths in a folder begin with: "en/"; "" for the whole repository. */
function inFolder(folder: string | undefined): string {
  const path = plain(folder ?? "");
  return path === "" || path === "." ? "" : `${path}/`;
}

// What follows are the names and patterns of `datasets`, data_files.py.

const keywords = new Map([
  ["train", ["train", "training"]],
  ["validation", ["validation", "valid", "dev", "val"]],
  ["test", ["test", "testing", "eval", "evaluation"]],
]);
const between = "[-._ 0-9]";
const folderPatterns = (word: string) => [`**/${word}/**`, `**/${word}${between}*/**`, `**/*${between}${word}/**`, `**/*${between}${word}${between}*/**`];
const filePatterns = (word: string) => [`**/${word}${between}*`, `**/*${between}${word}${between}*`];
/** Never data, unless a pattern names them. */
const aboutData = new Set(["README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"]);

function splitsByName(files: readonly string[]): Map<string, string[]> {
  const shards = new Map<string, string[]>();
  for (const file of matching([`data/*-${"[0-9]".repeat(5)}-of-${"[0-9]".repeat(5)}*.*`], files)) {
    const [, split] = file.match(/^data\/(.*)-\d{5}-of-\d{5}.*\./)!;
    shards.set(split, [...(shards.get(split) ?? []), file]);
  }
  if (shards.size) {
    const order = [...keywords.keys(), ...[...shards.keys()].filter((split) => !keywords.has(split))];
    return new Map(order.flatMap((split) => (shards.has(split) ? [[split, shards.get(split)!]] : [])));
  }

  const splits = new Map<string, string[]>();
  for (const [split, words] of keywords) {
    const inFolders = matching(words.flatMap(folderPatterns), files);
    const found = inFolders.length ? inFolders : matching(words.flatMap(filePatterns), files);
    if (found.length) splits.set(split, found);
  }
  if (splits.size) return splits;

  const all = matching(["**"], files);
  return new Map(all.length ? [["train", all]] : []);
}

/** What the patterns match, in their order, each file once. */
function matching(patterns: readonly string[], files: readonly string[]): string[] {
  const sorted = [...files].sort((a, b) => (a < b ? -1 : 1));
  return [...new Set(patterns.flatMap((pattern) => match(plain(pattern), sorted)))];
}

function match(pattern: string, files: readonly string[]): string[] {
  if (pattern === "") return []; // the library refuses it
  // A parenthesis and a plus are characters of a name, as in `datasets`: to the library they make a regular expression, and (a|a)+ one that takes for ever.
  const matches = picomatch(pattern.replace(/[()|+]/g, "\\$&"), { dot: true, nobrace: true, noextglob: true, nonegate: true, posix: true });
  const unasked = (file: string) => hidden(file) !== hidden(pattern) || (aboutData.has(lastOf(file)) && lastOf(file) !== lastOf(pattern));
  return files.filter((file) => (file === pattern || matches(file)) && !unasked(file));
}

const lastOf = (path: string) => path.slice(path.lastIndexOf("/") + 1);

/** How many parts of a path are hidden: `.name`, or a folder `__name`. A pattern has to ask for each. */
function hidden(path: string): number {
  const parts = path.split("/");
  return parts.filter((part, i) => part.startsWith(".") || (part.startsWith("__") && i + 1 < parts.length)).length;
}

function mostCommon(kinds: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const kind of kinds) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const preferred = ["csv", "jsonl", "parquet"]; // in a draw, the last
  return [...counts.keys()].sort((a, b) => counts.get(b)! - counts.get(a)! || preferred.indexOf(b) - preferred.indexOf(a))[0];
}

function unsupported(name: string, files: readonly string[]): DictlearnError {
  const shown = `${files.slice(0, 4).join(", ")}${files.length > 4 ? ` and ${files.length - 4} more` : ""}`;
  return new DictlearnError("UNSUPPORTED", `${name}: expected files of texts (parquet, jsonl, csv, txt, also as .zst or .gz), got ${shown || "none"}`, 'most data sets of the Hub have a copy as Parquet: revision: "refs/convert/parquet"');
}
