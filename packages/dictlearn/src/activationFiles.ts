import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { openShards, readManifest, writeShards, type ActivationSource, type ShardDtype, type ShardFormat, type ShardManifest, type ShardSource, type ShardStore } from "@dictlearn/activations";
import { memorySource, openSafetensors, writeSafetensors, type NamedTensor } from "@dictlearn/checkpoint";
import { type Device } from "@dictlearn/kernels";
import { DictlearnError } from "./error.js";
import { localShard } from "./localFolder.js";
import { type RowCursor } from "./tokenRows.js";
import { makeLastingFolder, writeWhole } from "./wholeFile.js";

// <directory>/{manifest.json, 00000.safetensors, 00001.safetensors, ...}

export interface WriteActivationsOptions {
  /** How many the directory is to hold, at the least. Default: as many as the source has. */
  tokens?: number;
  /** Tokens of a shard; default 16,384, or what takes 32 MiB. A buffer mixes the better the more shards it holds, and each takes memory while it is read. */
  shardTokens?: number;
  /** f16 takes half the room and keeps 11 bits. Default what the directory has, or f32. */
  dtype?: ShardDtype;
  /** Leaves out the first positions of each row, whose norms are outliers. Default 0. */
  skipFirst?: number;
  /** Which sites are wanted of what is there already. Default: any. */
  sites?: readonly string[];
  /** What the activations are of: model, texts, how rows are cut. What is there is taken only where it says the same. */
  provenance: Readonly<Record<string, unknown>>;
}

/** An activation source that knows its widths, such as `harvest` gives. */
type Source = ActivationSource & { readonly widths: Readonly<Record<string, number>> };

const format: ShardFormat = { encode: (tensors, metadata) => writeSafetensors(tensors as readonly NamedTensor[], metadata), open: openSafetensors };
/** Shards that mix well in a buffer of some 100,000 tokens; of wide models and many sites shorter ones, for the sake of memory. */
const [mostTokens, mostBytes] = [2 ** 14, 2 ** 25];

/**
 * Sees to it that a directory holds activations: writes what it has not yet, in the order of the text. What is cut short, by
 * an error, a `break` or a kill, goes on behind its last whole shard when this is called again, to the same files.
 *
 * `for await (const { shards } of writeActivations("kept", (cursor) => harvest(model, openTexts("demo", { cursor: cursor?.text ?? undefined }), { site, cursor }), { tokens: 10_000_000, provenance: { model: "demo", texts: "demo" } })) console.log(shards.length)`
 *
 * @param open the source behind a place: the beginning, or the cursor of the last row that was written. Not called where all is there
 * @returns what there is after each shard, and at least once
 * @throws USAGE for a directory that holds others, with what differs; FORMAT for a damaged manifest, and for an activation that f16 can't hold
 */
export async function* writeActivations<C = RowCursor>(directory: string, open: (cursor: C | undefined) => Source | Promise<Source>, options: WriteActivationsOptions): AsyncGenerator<ShardManifest, void> {
  const { tokens = Infinity, dtype = "f32", skipFirst = 0, provenance } = options;
  const store = shardFolder(directory);
  const after = await readManifest(store);
  if (after) {
    expectSameActivations(directory, after, options);
    if (tokensIn(after) >= tokens) return yield after;
  }
  const source = await open((after?.cursor ?? undefined) as C | undefined);
  const width = Object.values(source.widths).reduce((sum, D) => sum + D, 0);
  const { shardTokens = Math.min(mostTokens, Math.ceil(mostBytes / (bytesOf(after?.dtype ?? dtype) * width))) } = options;
  yield* writeShards(source, { store, format, tokensPerShard: shardTokens, tokens, dtype, skipFirst, provenance, after });
}

export interface OpenActivationsOptions {
  device: Device;
  /** The order of the shards; default 0. */
  seed?: number;
  /** Which sites to read. Default all. */
  sites?: readonly string[];
  /** Where to go on: `state.buffer.json.cursor` of a training. */
  cursor?: unknown;
}

/**
 * The activations in a directory, as a source for a buffer and for `train`: shard after shard in a random order of the
 * seed's, one at a time in memory. The first positions of rows were left out when they were written: give `train` no `skipFirst`.
 * `train(await openActivations("kept", { device }), topK({ features: 4096, k: 32 }), { tokens: 10_000_000 })`
 * @throws NOT_FOUND for a directory without activations, a shard or a site; FORMAT for what is damaged, as it is read
 */
export async function openActivations(directory: string, { device, seed = 0, sites, cursor }: OpenActivationsOptions): Promise<ShardSource> {
  if (!(await readActivations(directory))) throw new DictlearnError("NOT_FOUND", `${directory}: expected activations (manifest.json), got none`, "write them with writeActivations");
  return openShards({ store: shardFolder(directory), format, device, seed, sites, cursor });
}

/** What is known of the activations in a directory; undefined where there are none. @throws FORMAT for a damaged manifest */
export const readActivations = (directory: string): Promise<ShardManifest | undefined> => readManifest(shardFolder(directory));

/** How many activations of each site there are. */
export const tokensIn = ({ shards }: ShardManifest): number => shards.reduce((sum, { tokens }) => sum + tokens, 0);

const bytesOf = (dtype: ShardDtype): number => (dtype === "f16" ? 2 : 4);

/** @throws USAGE, with every difference, for activations of another model, of other texts, rows or sites */
function expectSameActivations(directory: string, { dtype, skipFirst, sites, provenance }: ShardManifest, wanted: WriteActivationsOptions): void {
  const text = (value: unknown) => (value === undefined ? "none" : JSON.stringify(value));
  const differences: string[] = [];
  const compare = (name: string, has: unknown, wants: unknown) => void (text(has) === text(wants) || differences.push(`${name} ${text(wants)}, got ${text(has)}`));
  for (const name of new Set([...Object.keys(wanted.provenance), ...Object.keys(provenance)])) compare(name, provenance[name], wanted.provenance[name]);
  compare("skip_first", skipFirst, wanted.skipFirst ?? 0);
  compare("dtype", dtype, wanted.dtype ?? dtype);
  const there = Object.keys(sites);
  if (wanted.sites?.some((site) => !there.includes(site))) differences.push(`sites ${text(wanted.sites)}, got ${text(there)}`);
  if (differences.length > 0) throw new DictlearnError("USAGE", `${directory}: expected activations of ${differences.join("; ")}`, "give another directory, or the settings that these were written with");
}

/** A directory as a store of shards: it is made when the first is written. */
function shardFolder(directory: string): ShardStore {
  return {
    async write(name, chunks) {
      await makeLastingFolder(directory);
      await writeWhole(join(directory, name), chunks);
    },
    // The manifest is replaced while others read it: they take the one or the other whole. A shard stays as it is.
    read: async (name) => (name.endsWith(".json") ? memorySource(await readFile(join(directory, name)), name) : localShard(join(directory, name), name)),
    list: () =>
      readdir(directory).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
      }),
  };
}
