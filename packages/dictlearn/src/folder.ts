import { type ByteSource } from "@dictlearn/checkpoint";
import { type Shard } from "@dictlearn/corpus";

/**
 * Where the files of a model, a dictionary or a data set lie: a folder on disk, a repository of the Hub, a zip in one. A
 * new kind of place is a new maker of these. Paths are relative to it, written with "/".
 */
export interface Folder {
  /** What errors call it. */
  readonly name: string;
  /** A small file, such as config.json, as text; undefined where there is none. */
  text(path: string): Promise<string | undefined>;
  /** Whether there is such a file. */
  has(path: string): Promise<boolean>;
  /** The path on this machine of a file that is needed as a whole. */
  local(path: string): Promise<string>;
}

/** A folder that also lists its files and gives parts of them: what models and data sets need. */
export interface OpenFolder extends Folder {
  /** The paths of all its files, those in folders of it too. */
  files(): Promise<readonly string[]>;
  /** A file of which ranges are read as they are asked for. @throws NOT_FOUND */
  source(path: string): Promise<ByteSource & { close(): Promise<void> }>;
  /** Files whose bytes are streamed. @throws NOT_FOUND */
  shards(paths: readonly string[]): Promise<Shard[]>;
}

/** What errors call a file. */
export const pathIn = (folder: Folder, path: string) => `${folder.name.replace(/[\\/]+$/, "")}/${path}`;
