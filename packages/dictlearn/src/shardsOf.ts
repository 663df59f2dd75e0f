import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { kindOf, type Shard } from "@dictlearn/corpus";
import picomatch from "picomatch";
import { dataFiles } from "./dataFiles.js";
import { DictlearnError } from "./error.js";
import { filesUnder, localFolder } from "./localFolder.js";
import { openFolder } from "./openFolder.js";
import { type OpenTextsOptions } from "./openTexts.js";

type Place = Pick<OpenTextsOptions, "split" | "config" | "revision" | "cacheData" | "hub">;

/**
 * The files that the name of a data set means, as shards.
 * @throws NOT_FOUND, USAGE, UNSUPPORTED, HubError
 */
export async function shardsOf(name: string, { split, config, revision, cacheData, hub }: Place): Promise<Shard[]> {
  const isFile = (await stat(name).catch(() => undefined))?.isFile();
  if (name === "demo" || isFile || isGlob(name)) {
    const asked = Object.entries({ config, revision, split: split === "train" ? undefined : split }).find(([, value]) => value !== undefined);
    if (asked) throw new DictlearnError("USAGE", `${name}: expected no ${asked[0]}, since it is ${isFile ? "a file" : isGlob(name) ? "a pattern of files" : "the bundled demo"}, got ${JSON.stringify(asked[1])}`, "leave it out");
  }
  if (name === "demo") {
    const folder = localFolder(fileURLToPath((await import("@dictlearn/demo")).demo.texts));
    return folder.shards((await folder.files()).filter((file) => file.endsWith(".txt")));
  }
  if (isFile) return localShards(dirname(name), [basename(name)], name);
  if (isGlob(name)) return globShards(name);

  const folder = await openFolder(name, { what: "a data set", type: "dataset", revision, hub, keep: cacheData });
  const [files, card] = [await folder.files(), await folder.text("README.md")];
  return folder.shards(dataFiles({ name: folder.name, files, card, config, split }));
}

const isGlob = (name: string) => /[*?[]/.test(name);

async function globShards(pattern: string): Promise<Shard[]> {
  const { base, glob } = picomatch.scan(pattern);
  const matches = picomatch(glob, { nobrace: true, noextglob: true, nonegate: true, posix: true });
  const depth = glob.includes("**") ? Infinity : glob.split("/").length;
  const found = (await filesUnder(base || ".", { depth }).catch(() => [])).filter((file) => matches(file));
  if (found.length === 0) throw new DictlearnError("NOT_FOUND", `${pattern}: expected files, got none`);
  return localShards(base || ".", found, pattern);
}

function localShards(folder: string, files: readonly string[], name: string): Promise<Shard[]> {
  const other = files.find((file) => kindOf(file) === undefined);
  if (other !== undefined) throw new DictlearnError("UNSUPPORTED", `${name}: expected files of texts (parquet, jsonl, csv, txt, also as .zst or .gz), got ${other}`);
  return localFolder(folder).shards(files);
}
