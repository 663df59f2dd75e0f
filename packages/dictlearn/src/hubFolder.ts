import { readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Shard } from "@dictlearn/corpus";
import { type Hub, type RepoRef } from "@dictlearn/hub";
import { type OpenFolder } from "./folder.js";
import { filesUnder, localFolder } from "./localFolder.js";

/**
 * A repository of the Hub at a revision. Small files are cached whole; of weights only the ranges that are asked for are
 * fetched and kept; what is streamed is not kept unless `keep` says so.
 * @param options.known files of which one shows where its cached files lie when there is no network
 */
export function hubFolder(hub: Hub, ref: RepoRef, { keep = false, known = [ref.type === "dataset" ? "README.md" : "config.json"] }: { keep?: boolean; known?: readonly string[] } = {}): OpenFolder {
  let listing: Promise<{ path: string; size: number }[]> | undefined;
  const list = () => (listing ??= hub.files(ref).catch((error) => cachedFiles(hub, ref, known, error)));
  const has = async (path: string) => (await list()).some((file) => file.path === path);

  return {
    name: ref.revision === undefined ? ref.repo : `${ref.repo}@${ref.revision}`,
    files: async () => (await list()).map(({ path }) => path),
    has,
    async text(path) {
      if (!(await has(path))) return undefined;
      return readFile(await hub.file(ref, path), "utf8");
    },
    source: (path) => hub.source(ref, path),
    async shards(paths) {
      const sizes = new Map((await list()).map(({ path, size }) => [path, size]));
      return paths.map((path) => (keep ? kept(hub, ref, path, sizes.get(path)!) : streamed(hub, ref, path, sizes.get(path)!)));
    },
    local: (path) => hub.file(ref, path),
  };
}

/** Without a network: a cache that Python filled holds no list of the files, so what lies in it is the list. */
async function cachedFiles(hub: Hub, ref: RepoRef, known: readonly string[], error: unknown): Promise<{ path: string; size: number }[]> {
  for (const name of known) {
    const found = await hub.find(ref, name);
    if (found === undefined) continue;
    const snapshot = join(found, ...name.split("/").map(() => ".."));
    const files = await filesUnder(snapshot);
    return Promise.all(files.map(async (path) => ({ path, size: (await stat(join(snapshot, path))).size })));
  }
  throw error;
}

/** Fetched as it is read, and forgotten. */
function streamed(hub: Hub, ref: RepoRef, path: string, byteLength: number): Shard {
  return {
    name: path,
    byteLength,
    stream: (start = 0) => hub.stream(ref, path, { start }),
    async slice(start, end) {
      const bytes = new Uint8Array(end - start);
      let at = 0;
      for await (const chunk of hub.stream(ref, path, { start, end })) {
        bytes.set(chunk, at);
        at += chunk.length;
      }
      return bytes.buffer;
    },
  };
}

/** Cached whole when it is first read. */
function kept(hub: Hub, ref: RepoRef, path: string, byteLength: number): Shard {
  const opened = async () => (await localFolder(dirname(await hub.file(ref, path))).shards([basename(path)]))[0];
  return {
    name: path,
    byteLength,
    async *stream(start) {
      yield* (await opened()).stream(start);
    },
    slice: async (start, end) => (await opened()).slice(start, end),
  };
}
