import { parse } from "yaml";
import { DictlearnError } from "./error.js";

/** A configuration of a data set, as the front matter of its README.md names it. */
export interface DataConfig {
  readonly name: string;
  /** It is taken where none is named. */
  readonly default: boolean;
  /** The folder that its files lie in. */
  readonly folder?: string;
  /** Patterns of its files by split; without them, files are found by their names. */
  readonly patterns?: ReadonlyMap<string, readonly string[]>;
}

/**
 * The configurations in a data set's card: the YAML between the `---` at its beginning. A card without any has none.
 * @param subject what errors call the card
 * @throws DictlearnError FORMAT
 * @see https://huggingface.co/docs/hub/datasets-manual-configuration
 */
export function dataConfigs(card: string, subject: string): DataConfig[] {
  const [, yaml] = card.match(/^\uFEFF?---[ \t]*\r?\n([^]*?\r?\n)?---[ \t]*(?:\r?\n|$)/) ?? [];
  if (yaml === undefined) return [];
  let configs: unknown;
  try {
    configs = (parse(yaml, { logLevel: "error" }) as { configs?: unknown } | null)?.configs;
  } catch (cause) {
    throw wrong(subject, "YAML", (cause as Error).message.split("\n")[0]);
  }
  if (configs === undefined || configs === null) return [];
  if (!Array.isArray(configs)) throw wrong(subject, "a list of configs", shown(configs));
  return configs.map((config) => dataConfig(config, subject));
}

function dataConfig(config: unknown, subject: string): DataConfig {
  const { config_name: name, data_files: files, data_dir: folder, default: marked } = (config ?? {}) as Record<string, unknown>;
  if (typeof name !== "string") throw wrong(subject, "a config_name in each of its configs", shown(config));
  if (folder !== undefined && typeof folder !== "string") throw wrong(subject, `a path as data_dir of ${name}`, shown(folder));
  return { name, default: marked === true, folder, patterns: files === undefined || files === null ? undefined : patternsBySplit(files, `data_files of ${name}`, subject) };
}

/** "*.csv", ["a.csv", "b.csv"], or [{ split: "train", path: … }]; without a split it is train. */
function patternsBySplit(files: unknown, what: string, subject: string): Map<string, string[]> {
  const list = [files].flat() as unknown[];
  if (!list.some((entry) => typeof entry === "object" && entry !== null)) return new Map([["train", paths(list, what, subject)]]);
  const bySplit = new Map<string, string[]>();
  for (const entry of list) {
    const { split, path } = (entry ?? {}) as Record<string, unknown>;
    if (typeof split !== "string" || path === undefined) throw wrong(subject, `a split and a path in ${what}`, shown(entry));
    if (bySplit.has(split)) throw wrong(subject, `each split once in ${what}`, `${split} twice`);
    bySplit.set(split, paths([path].flat(), what, subject));
  }
  return bySplit;
}

const mostStars = 4;

function paths(list: readonly unknown[], what: string, subject: string): string[] {
  for (const path of list) {
    if (typeof path !== "string" || path.includes("://")) throw wrong(subject, `paths in the repository in ${what}`, shown(path));
    // Each * tries every place in a name for every place of those before it: a hostile card could take hours.
    if ((path.match(/\*+/g)?.length ?? 0) > mostStars) throw wrong(subject, `patterns with ${mostStars} * at most in ${what}`, shown(path));
  }
  return list as string[];
}

function wrong(subject: string, expected: string, got: string): DictlearnError {
  return new DictlearnError("FORMAT", `${subject}: expected ${expected}, got ${got}`);
}

function shown(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return "a value that holds itself"; // YAML can say so
  }
}
