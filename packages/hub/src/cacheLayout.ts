import { randomUUID } from "node:crypto";
import { copyFile, lstat, mkdir, readFile, readlink, realpath, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, sep } from "node:path";
import type { RepoRef } from "./hub.js";
import { HubError } from "./hubError.js";
import { makeFolder } from "./makeFolder.js";
import { checkPath, checkRef, isCommit } from "./names.js";
import type { RemoteFile } from "./remoteFile.js";

/**
 * The cache of Python's huggingface_hub 2.4.0, one folder a repository:
 * ```
 * models--owner--name/
 *   refs/main                      the commit, 40 letters
 *   blobs/<etag>                   the bytes
 *   snapshots/<commit>/<path>      a relative link to the blob; a copy where links are not permitted
 *   .no_exist/<commit>/<path>      empty: the repository has no such file at that commit
 * .locks/models--owner--name/      Python's are <etag>.lock, ours <etag>.dictlearn
 * ```
 */
export class CacheLayout {
  constructor(
    readonly root: string,
    readonly symlinks: boolean,
  ) {}

  folder(ref: RepoRef): string {
    return join(this.root, folderName(ref));
  }

  blob(ref: RepoRef, etag: string): string {
    return join(this.folder(ref), "blobs", etag);
  }

  pointer(ref: RepoRef, commit: string, path: string): string {
    return join(this.folder(ref), "snapshots", commit, ...path.split("/"));
  }

  /** The commit that a branch or tag had when a file of it was last fetched. */
  async readRef(ref: RepoRef, revision: string): Promise<string | undefined> {
    const text = await readFile(join(this.folder(ref), "refs", ...revision.split("/")), "utf8").catch(absent);
    return text !== undefined && isCommit(text.trim()) ? text.trim() : undefined;
  }

  async writeRef(ref: RepoRef, revision: string, commit: string): Promise<void> {
    if (revision === commit || (await this.readRef(ref, revision)) === commit) return;
    await writeWhole(await placeFor(this.root, [folderName(ref), "refs", ...revision.split("/")]), commit);
  }

  /**
   * The path of a file in a snapshot.
   * @throws HubError IO for a link that leads out of the repository's folder (Python's store of blobs that repositories share excepted)
   */
  async find(ref: RepoRef, commit: string, path: string): Promise<string | undefined> {
    const pointer = this.pointer(ref, commit, path);
    const real = await realpath(pointer).catch(absent);
    if (real === undefined || !(await stat(real)).isFile()) return undefined;
    const inside = await Promise.all([this.folder(ref), join(this.root, "blobs")].map((folder) => realpath(folder).catch(absent)));
    if (!inside.some((folder) => folder !== undefined && real.startsWith(folder + sep)))
      throw new HubError("IO", `${pointer}: expected a file of the cache, got a link that leads out of it`, "remove the link; the file is fetched again");
    return pointer;
  }

  /** What the cache itself says of a file that it holds: its blob is named by its etag; a copy has none but its commit. */
  async describe(ref: RepoRef, commit: string, path: string): Promise<RemoteFile> {
    const real = await realpath(this.pointer(ref, commit, path));
    const isBlob = dirname(real) === (await realpath(join(this.folder(ref), "blobs")).catch(absent));
    return { ref, commit, path, etag: isBlob ? basename(real) : commit, size: (await stat(real)).size };
  }

  async hasBlob(ref: RepoRef, etag: string, size: number): Promise<boolean> {
    const found = await stat(this.blob(ref, etag)).catch(absent);
    return found !== undefined && found.isFile() && found.size === size;
  }

  /** Where to write a blob while it is incomplete; Python names its own otherwise. */
  incomplete(ref: RepoRef, etag: string): Promise<string> {
    return placeFor(this.root, [folderName(ref), "blobs", `${etag}.dictlearn-incomplete`]);
  }

  lock(ref: RepoRef, etag: string): Promise<string> {
    return placeFor(this.root, [".locks", folderName(ref), `${etag}.dictlearn`]);
  }

  /** Makes a checked file the blob, in one step. */
  async adoptBlob(ref: RepoRef, etag: string, from: string): Promise<void> {
    await this.#tag();
    await moveFile(from, await placeFor(this.root, [folderName(ref), "blobs", etag]));
  }

  /** Makes the blob the file `path` of the commit. */
  async link(ref: RepoRef, commit: string, path: string, etag: string, isNew: boolean): Promise<string> {
    const pointer = await placeFor(this.root, [folderName(ref), "snapshots", commit, ...path.split("/")]);
    const blob = this.blob(ref, etag);
    const target = relative(dirname(pointer), blob);
    const aside = `${pointer}.${randomUUID().slice(0, 8)}.tmp`;
    if (!(this.symlinks && (await trySymlink(target, aside)))) {
      if (isNew && !(await lstat(blob)).isSymbolicLink()) {
        await rename(blob, pointer); // as Python does: one copy is enough
        return pointer;
      }
      try {
        await copyFile(blob, aside);
      } catch (error) {
        if (await stat(pointer).catch(absent)) return pointer; // a process beside has just moved the blob there
        throw error;
      }
    }
    await rename(aside, pointer);
    return pointer;
  }

  async isKnownMissing(ref: RepoRef, commit: string, path: string): Promise<boolean> {
    return (await stat(join(this.folder(ref), ".no_exist", commit, ...path.split("/"))).catch(absent))?.isFile() ?? false;
  }

  async markMissing(ref: RepoRef, commit: string, path: string): Promise<void> {
    await writeFile(await placeFor(this.root, [folderName(ref), ".no_exist", commit, ...path.split("/")]), "", { flag: "a" });
  }

  /** Tells backup programs to leave the cache out (https://bford.info/cachedir/). */
  async #tag(): Promise<void> {
    const text =
      "Signature: 8a477f597d28d172789f06886806bc55\n# This file is a cache directory tag created by huggingface_hub.\n" +
      "# For information about cache directory tags, see:\n#\thttps://bford.info/cachedir/\n";
    await makeFolder(this.root);
    await writeFile(join(this.root, "CACHEDIR.TAG"), text, { flag: "wx" }).catch(() => undefined); // there, or not to be had
  }
}

/** `models--owner--name`. */
export function folderName(ref: RepoRef): string {
  checkRef(ref);
  return [`${ref.type ?? "model"}s`, ...ref.repo.split("/")].join("--");
}

/**
 * The path of a file below a folder, its parents made. A parent that is a link is refused: it may lead anywhere.
 * @throws HubError IO
 */
export async function placeFor(root: string, parts: string[]): Promise<string> {
  for (const part of parts) checkPath(part, "path");
  await makeFolder(root);
  let folder = root;
  for (const part of parts.slice(0, -1)) {
    folder = join(folder, part);
    await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EEXIST") throw error;
    });
    const found = await lstat(folder);
    if (!found.isDirectory())
      throw new HubError("IO", `${folder}: expected a folder of the cache, got ${found.isSymbolicLink() ? `a link to ${await readlink(folder)}` : "a file"}`, "remove it, or choose another cache (HF_HOME)");
  }
  return join(folder, parts[parts.length - 1]);
}

/** Written beside, then renamed: a reader never sees half of it. */
export async function writeWhole(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID().slice(0, 8)}.tmp`;
  try {
    await writeFile(aside, text, { flag: "wx" });
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
}

/** Renames, or copies between disks. */
async function moveFile(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    const aside = `${to}.${randomUUID().slice(0, 8)}.tmp`;
    try {
      await copyFile(from, aside);
      await rename(aside, to);
    } catch (fault) {
      await rm(aside, { force: true });
      throw fault;
    }
    await rm(from, { force: true });
  }
}

async function trySymlink(target: string, path: string): Promise<boolean> {
  try {
    await symlink(target, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["EPERM", "EACCES", "ENOSYS", "ENOTSUP", "EOPNOTSUPP", "EINVAL"].includes(code ?? "")) return false; // Windows, some network disks
    throw error;
  }
}

/** For catch(): what is not there is undefined. */
export function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "ELOOP") return undefined;
  throw error;
}
