import { createHash } from "node:crypto";
import { readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { absent, folderName, placeFor, writeWhole } from "./cacheLayout.js";
import type { RepoRef } from "./hub.js";
import { isCommit } from "./names.js";
import type { RemoteFile } from "./remoteFile.js";

export interface ListedFile {
  path: string;
  size: number;
}

/**
 * What Python's layout has no place for, below `models--owner--name/`: which commit a branch was at, etag and size of
 * files at a commit, listings, ranges, entries of zips. Names from outside appear hashed.
 */
export class OwnCache {
  constructor(readonly root: string) {}

  async readRef(ref: RepoRef, revision: string): Promise<string | undefined> {
    const commit = await this.#read<string>(ref, ["refs", `${hash(revision)}.json`]);
    return typeof commit === "string" && isCommit(commit) ? commit : undefined;
  }

  writeRef(ref: RepoRef, revision: string, commit: string): Promise<void> {
    return this.#write(ref, ["refs", `${hash(revision)}.json`], commit);
  }

  async readFile(ref: RepoRef, commit: string, path: string): Promise<RemoteFile | undefined> {
    const found = await this.#read<{ etag?: unknown; size?: unknown }>(ref, ["files", commit, `${hash(path)}.json`]);
    if (typeof found?.etag !== "string" || !/^[\w-][\w.-]{0,127}$/.test(found.etag) || !Number.isSafeInteger(found.size)) return undefined;
    return { ref, commit, path, etag: found.etag, size: found.size as number };
  }

  writeFile({ ref, commit, path, etag, size }: RemoteFile): Promise<void> {
    return this.#write(ref, ["files", commit, `${hash(path)}.json`], { path, etag, size });
  }

  async removeFile(ref: RepoRef, commit: string, path: string): Promise<void> {
    await rm(join(this.root, folderName(ref), "files", commit, `${hash(path)}.json`), { force: true });
  }

  async readList(ref: RepoRef, commit: string, folder: string): Promise<ListedFile[] | undefined> {
    const found = await this.#read<ListedFile[]>(ref, ["lists", commit, `${hash(folder)}.json`]);
    return Array.isArray(found) ? found : undefined;
  }

  writeList(ref: RepoRef, commit: string, folder: string, files: ListedFile[]): Promise<void> {
    return this.#write(ref, ["lists", commit, `${hash(folder)}.json`], files);
  }

  /** The bytes of a file that is read by ranges; `.crc32` beside it says which are there. */
  ranges(file: RemoteFile): Promise<string> {
    return placeFor(this.root, [folderName(file.ref), "ranges", file.etag]);
  }

  async hasRanges({ ref, etag }: RemoteFile): Promise<boolean> {
    return (await stat(join(this.root, folderName(ref), "ranges", etag)).catch(absent)) !== undefined;
  }

  /** An entry of a zip, under its own last name. */
  entry(zip: RemoteFile, entry: string): Promise<string> {
    return placeFor(this.root, [folderName(zip.ref), "entries", zip.etag, hash(entry), entry.split("/").at(-1)!]);
  }

  async #read<T>(ref: RepoRef, parts: string[]): Promise<T | undefined> {
    const text = await readFile(join(this.root, folderName(ref), ...parts), "utf8").catch(absent);
    try {
      return text === undefined ? undefined : (JSON.parse(text) as T);
    } catch {
      return undefined; // asked for again
    }
  }

  async #write(ref: RepoRef, parts: string[], value: unknown): Promise<void> {
    await writeWhole(await placeFor(this.root, [folderName(ref), ...parts]), JSON.stringify(value));
  }
}

const hash = (name: string) => createHash("sha256").update(name).digest("hex").slice(0, 32);
