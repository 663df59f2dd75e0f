import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { fileSource } from "@dictlearn/checkpoint/node";
import { type Shard } from "@dictlearn/corpus";
import { type OpenFolder } from "./folder.js";

/** A folder on this machine. @param name what errors call it; default its path */
export function localFolder(path: string, name = path): OpenFolder {
  return {
    name,
    files: () => filesUnder(path),
    has: async (file) => (await stat(join(path, file)).catch(() => undefined))?.isFile() ?? false,
    async text(file) {
      try {
        return (await readFile(join(path, file))).toString(); // told an encoding it decodes piece by piece, in three times as long
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    source: (file) => fileSource(join(path, file)),
    shards: (files) => Promise.all(files.map((file) => localShard(join(path, file), file))),
    local: async (file) => join(path, file),
  };
}

/** A file as a shard: opened when it is read, closed behind that. */
export async function localShard(path: string, name: string): Promise<Shard> {
  const { size } = await stat(path);
  return {
    name,
    byteLength: size,
    stream: (start = 0) => createReadStream(path, { start, highWaterMark: 2 ** 18 }),
    async slice(start, end) {
      await using source = await fileSource(path);
      return await source.slice(start, end);
    },
  };
}

/** The paths of the files under a folder, sorted; links to files are followed. @param options.depth 1: those in the folder itself */
export async function filesUnder(path: string, { depth = Infinity, prefix = "" }: { depth?: number; prefix?: string } = {}): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true });
  const lists = await Promise.all(
    entries.map(async (entry) => {
      const name = `${prefix}${entry.name}`;
      const target = entry.isSymbolicLink() ? await stat(join(path, entry.name)).catch(() => undefined) : entry;
      if (target?.isFile()) return [name];
      if (!entry.isDirectory() || depth === 1) return []; // a linked folder may lead round
      return filesUnder(join(path, entry.name), { depth: depth - 1, prefix: `${name}/` });
    }),
  );
  return lists.flat().sort();
}
