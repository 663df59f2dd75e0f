import { open, rm, stat } from "node:fs/promises";
import { absent, CacheLayout } from "./cacheLayout.js";
import { downloadChecked, downloadTo, readLocal } from "./download.js";
import type { Hub, HubOptions, RangeSource, RepoRef } from "./hub.js";
import { HubError } from "./hubError.js";
import { ioError } from "./ioError.js";
import { withLock } from "./lock.js";
import { checkPath, checkRef, fetchCommand, repoName, revisionOf } from "./names.js";
import { OwnCache, type ListedFile } from "./ownCache.js";
import { localSource, remoteSource } from "./rangeSource.js";
import { readRemote, type RemoteFile } from "./remoteFile.js";
import { Repositories } from "./repositories.js";
import { Requester } from "./request.js";

/**
 * The Hub behind one cache. A branch or tag is looked up once; everything after that is of the commit it was at, so the files
 * of a repository fit together.
 * @throws HubError USAGE for an endpoint or token that cannot be meant
 */
export function openHub(options: HubOptions): Hub {
  const hub = new OpenHub(options);
  const told = (error: unknown) => hub.withoutToken(ioError(error, options.cache));
  const guard = async <R>(body: () => Promise<R>): Promise<R> => {
    try {
      return await body();
    } catch (error) {
      throw told(error);
    }
  };
  return {
    files: (ref, { path } = {}) => guard(() => hub.files(ref, path)),
    find: (ref, path) => guard(() => hub.find(ref, path)),
    file: (ref, path) => guard(() => hub.file(ref, path)),
    source: async (ref, path) => {
      const source = await guard(() => hub.source(ref, path));
      return { name: source.name, byteLength: source.byteLength, slice: (start, end) => guard(() => source.slice(start, end)), close: () => guard(() => source.close()) };
    },
    async *stream(ref, path, { start = 0, end } = {}) {
      try {
        yield* hub.stream(ref, path, start, end);
      } catch (error) {
        throw told(error);
      }
    },
    zipEntry: (ref, zipPath, entryPath) => guard(() => hub.zipEntry(ref, zipPath, entryPath)),
  };
}

const stride = 8 << 20;

class OpenHub {
  readonly #requester: Requester;
  readonly #layout: CacheLayout;
  readonly #own: OwnCache;
  readonly #repos: Repositories;
  readonly #downloads = new Map<string, Promise<string>>();

  constructor(private readonly options: HubOptions) {
    this.#requester = new Requester(options);
    this.#layout = new CacheLayout(options.cache, options.symlinks ?? true);
    this.#own = new OwnCache(options.ownCache);
    this.#repos = new Repositories(options, this.#requester, this.#layout, this.#own);
    this.#requester.onDoubt = (file) => this.#repos.forget(file);
  }

  /** An error that no token is in: a server may send it back in a header or an address, which messages quote. */
  withoutToken(error: unknown): unknown {
    if (!(error instanceof HubError)) return error;
    const { message, remedy } = error;
    const clean = (text: string) => this.#requester.redact(text);
    if (clean(message) === message && (remedy === undefined || clean(remedy) === remedy)) return error;
    return new HubError(error.code, clean(message), remedy && clean(remedy));
  }

  files(ref: RepoRef, folder?: string): Promise<ListedFile[]> {
    return this.#repos.files(ref, folder);
  }

  async find(ref: RepoRef, path: string): Promise<string | undefined> {
    checkRef(ref);
    checkPath(path, "path");
    for (const commit of await this.#repos.currentCommits(ref)) {
      const found = await this.#layout.find(ref, commit, path);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async file(ref: RepoRef, path: string): Promise<string> {
    checkRef(ref);
    checkPath(path, "path");
    return this.#repos.atCommit(ref, path, path, async (commit) => {
      const found = await this.#layout.find(ref, commit, path);
      if (found !== undefined || this.options.offline) return found;
      return this.#download(ref, commit, path);
    });
  }

  /** @param fetchWhole what to do where a server ignores ranges; default: download the file */
  async source(ref: RepoRef, path: string, fetchWhole?: () => Promise<string>): Promise<RangeSource> {
    checkRef(ref);
    checkPath(path, "path");
    return this.#repos.atCommit(ref, path, path, async (commit) => {
      const found = await this.#layout.find(ref, commit, path);
      if (found !== undefined) return localSource(`${repoName(ref)}/${path}`, found);
      const file = await this.#repos.lookUp(ref, commit, path);
      if (!file) return undefined;
      if (await this.#layout.hasBlob(ref, file.etag, file.size)) return localSource(`${repoName(ref)}/${path}`, await this.#link(file, false));
      if (this.options.offline && !(await this.#own.hasRanges(file))) return undefined;
      const download = () => {
        this.#requester.notice(`${repoName(ref)}/${path}: the server ignores ranges; fetching the whole file`);
        return this.#download(ref, commit, path);
      };
      return this.#openRanges(file, await this.#own.ranges(file), fetchWhole ?? download);
    });
  }

  #openRanges(file: RemoteFile, kept: string, fetchWhole: () => Promise<string>): Promise<RangeSource> {
    const { ref, path } = file;
    return remoteSource({
      requester: this.options.offline ? undefined : this.#requester,
      file,
      path: kept,
      onProgress: this.options.onProgress,
      adopt: async () => {
        const here = () => this.#layout.hasBlob(ref, file.etag, file.size);
        const isNew = !(await here());
        if (isNew)
          await this.#layout.adoptBlob(ref, file.etag, kept).catch(async (error) => {
            if (!(await here())) throw error; // else another process was first
          });
        await rm(kept, { force: true });
        await this.#link(file, isNew);
      },
      fetchWhole,
      missing: () => this.#repos.missing(ref, `all of the asked bytes of ${path}`, path),
    });
  }

  async *stream(ref: RepoRef, path: string, start: number, end?: number): AsyncGenerator<Uint8Array> {
    checkRef(ref);
    checkPath(path, "path");
    const input = await this.#repos.atCommit<string | RemoteFile>(ref, path, path, async (commit) => (await this.#layout.find(ref, commit, path)) ?? (this.options.offline ? undefined : this.#repos.lookUp(ref, commit, path)));
    const size = typeof input === "string" ? (await stat(input)).size : input.size;
    const last = end ?? size;
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(last) || start < 0 || last < start || last > size)
      throw new HubError("USAGE", `${repoName(ref)}/${path}: expected a range in 0..${size}, got ${start}..${last}`);
    let received = 0;
    const step = (bytes: Uint8Array) => {
      received += bytes.length;
      this.options.onProgress?.({ name: path, received, total: last - start });
      return bytes;
    };
    if (typeof input !== "string") {
      for await (const bytes of readRemote(this.#requester, input, start, last, "skip")) yield step(bytes);
      return;
    }
    const file = await open(input);
    try {
      for await (const bytes of readLocal(file, start, last)) yield step(bytes);
    } finally {
      await file.close();
    }
  }

  async zipEntry(ref: RepoRef, zipPath: string, entryPath: string): Promise<string> {
    checkRef(ref);
    checkPath(zipPath, "path");
    checkPath(entryPath, "entry");
    const name = `${zipPath}!/${entryPath}`;
    return this.#repos.atCommit(ref, name, zipPath, async (commit) => {
      const whole = await this.#layout.find(ref, commit, zipPath);
      const zip = whole === undefined ? await this.#repos.lookUp(ref, commit, zipPath) : await this.#layout.describe(ref, commit, zipPath);
      if (!zip) return undefined;
      const path = await this.#own.entry(zip, entryPath);
      if ((await stat(path).catch(absent))?.isFile()) return path;
      if (whole === undefined && this.options.offline) return undefined;
      const here = async () => (await stat(path).catch(absent)) && path;
      await withLock(`${path}.lock`, here, () => this.#fetchEntry(zip, whole, entryPath, path), this.#waiting(ref, name));
      return path;
    });
  }

  async #fetchEntry(zip: RemoteFile, whole: string | undefined, entryPath: string, path: string): Promise<string> {
    const { extractEntry, locateEntry, readPart } = await import("./zipEntry.js"); // few need it, and its library is large
    const ref = { ...zip.ref, revision: zip.commit };
    const source = await this.source(ref, zip.path, async () => {
      throw new HubError("UNSUPPORTED", `${repoName(ref)}/${zip.path}: expected a server that sends ranges, got one that ignores them`, `download the archive whole first: \`${fetchCommand(zip.ref, zip.path)}\``);
    });
    try {
      const place = await locateEntry(source, entryPath).catch(async (error) => {
        // Ranges that arrived wrong, or a wrong word on the archive, must not stay.
        if (error instanceof HubError && error.code === "FORMAT" && whole === undefined) await this.#forget(zip);
        throw error;
      });
      if (whole !== undefined) {
        await extractEntry(readPart(whole, place.start, place.end), place, path);
        return path;
      }
      const packed = `${path}.packed`;
      for (let attempt = 1; ; attempt++) {
        const size = place.end - place.start;
        await downloadTo(packed, this.#requester, zip, { ...place, whenWhole: "refuse" }, (_bytes, received) =>
          this.options.onProgress?.({ name: `${zip.path}!/${entryPath}`, received, total: size }),
        );
        try {
          await extractEntry(readPart(packed, 0, size), place, path);
          await rm(packed, { force: true });
          return path;
        } catch (error) {
          if (!(error instanceof HubError) || error.code !== "FORMAT") throw error;
          await rm(packed, { force: true });
          if (attempt === 2) throw error;
          this.#requester.notice(`${place.name}: the bytes that arrived are not the entry's; fetching it again`);
        }
      }
    } finally {
      await source.close();
    }
  }

  async #forget(file: RemoteFile): Promise<void> {
    await this.#repos.forget(file);
    const kept = await this.#own.ranges(file);
    for (const left of [kept, `${kept}.crc32`]) await rm(left, { force: true });
  }

  #download(ref: RepoRef, commit: string, path: string): Promise<string> {
    const key = JSON.stringify([ref.type ?? "model", ref.repo, commit, path]);
    let download = this.#downloads.get(key);
    if (!download) {
      download = this.#downloadNow(ref, commit, path).finally(() => this.#downloads.delete(key));
      this.#downloads.set(key, download);
    }
    return download;
  }

  async #downloadNow(ref: RepoRef, commit: string, path: string): Promise<string> {
    const file = await this.#repos.lookUpNow(ref, commit, path);
    const here = async () =>
      (await this.#layout.find(ref, commit, path)) ?? ((await this.#layout.hasBlob(ref, file.etag, file.size)) ? this.#link(file, false) : undefined);
    const found = await here();
    if (found !== undefined) return found;
    const lock = await this.#layout.lock(ref, file.etag);
    return withLock(
      lock,
      here,
      async () => {
        const completed = await this.#completeRanges(file);
        if (completed !== undefined) return completed;
        const incomplete = await this.#layout.incomplete(ref, file.etag);
        await downloadChecked(incomplete, this.#requester, file, this.options.onProgress);
        await this.#layout.adoptBlob(ref, file.etag, incomplete);
        return this.#link(file, true);
      },
      this.#waiting(ref, path),
    );
  }

  /** Of a file that was read by ranges only the rest is fetched. */
  async #completeRanges(file: RemoteFile): Promise<string | undefined> {
    if (!(await this.#own.hasRanges(file))) return undefined;
    const kept = await this.#own.ranges(file);
    const noRanges = new HubError("UNSUPPORTED", `${file.path}: expected ranges`);
    const source = await this.#openRanges(file, kept, () => Promise.reject(noRanges));
    try {
      for (let at = 0; at < file.size; at += stride) await source.slice(at, Math.min(file.size, at + stride));
    } catch (error) {
      if (error !== noRanges && !(error instanceof HubError && error.code === "FORMAT")) throw error; // wrong bytes: the whole is fetched once more
    } finally {
      await source.close();
    }
    for (const left of [kept, `${kept}.crc32`]) await rm(left, { force: true });
    return this.#layout.find(file.ref, file.commit, file.path);
  }

  #waiting(ref: RepoRef, name: string): () => void {
    return () => this.#requester.notice(`${repoName(ref)}/${name}: another process is fetching it; waiting`);
  }

  async #link(file: RemoteFile, isNew: boolean): Promise<string> {
    const path = await this.#layout.link(file.ref, file.commit, file.path, file.etag, isNew);
    await this.#layout.writeRef(file.ref, revisionOf(file.ref), file.commit);
    return path;
  }
}
