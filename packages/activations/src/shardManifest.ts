import type { NamedTensor } from "./bufferState.js";
import { ActivationsError, shown } from "./error.js";

/** Bytes by range, as a file has them. */
export interface ByteSource {
  readonly byteLength: number;
  slice(start: number, end: number): Promise<ArrayBuffer>;
}

/** Where shards are kept: a folder, a bucket, a map in memory. Names have no slashes. */
export interface ShardStore {
  /** Writes a file whole: it is there with all its bytes, or as it was before. */
  write(name: string, chunks: Iterable<Uint8Array>): Promise<void>;
  read(name: string): Promise<ByteSource>;
  list(): Promise<readonly string[]>;
}

/** How a shard's tensors are bytes: `{ encode: writeSafetensors, open: openSafetensors }` of @dictlearn/checkpoint. */
export interface ShardFormat {
  encode(tensors: readonly NamedTensor[], metadata: Readonly<Record<string, string>>): Uint8Array;
  open(source: ByteSource): Promise<{ read(name: string): Promise<NamedTensor> }>;
}

export type ShardDtype = "f32" | "f16";

/** `manifest.json`: what is in a folder of shards. */
export interface ShardManifest {
  readonly format: "dictlearn activations";
  readonly version: 1;
  readonly dtype: ShardDtype;
  /** D of each site. */
  readonly sites: Readonly<Record<string, number>>;
  readonly skipFirst: number;
  /** In the order of the text. */
  readonly shards: readonly Shard[];
  /** Where the source stands behind the last shard: from here harvesting goes on. */
  readonly cursor: unknown;
  /** Whether it was written to its end. */
  readonly complete: boolean;
  /** Whatever the writer wants to keep: model, revision, corpus, context length, versions. */
  readonly provenance: Readonly<Record<string, unknown>>;
}

export interface Shard {
  readonly name: string;
  readonly tokens: number;
  readonly bytes: number;
  /** SHA-256 of each site's data, in hexadecimal. */
  readonly sha256: Readonly<Record<string, string>>;
}

export const manifestName = "manifest.json";

/** @returns undefined if there is none @throws FORMAT for one that is damaged */
export async function readManifest(store: ShardStore): Promise<ShardManifest | undefined> {
  if (!(await store.list()).includes(manifestName)) return undefined;
  const source = await store.read(manifestName);
  const text = new TextDecoder().decode(await source.slice(0, source.byteLength));
  let manifest: ShardManifest;
  try {
    manifest = JSON.parse(text);
  } catch (cause) {
    throw wrong(`JSON, got ${(cause as Error).message}`);
  }
  if (manifest?.format !== "dictlearn activations" || manifest.version !== 1) throw wrong(`format "dictlearn activations" version 1, got ${shown(manifest?.format)} version ${shown(manifest?.version)}`);
  if (!["f32", "f16"].includes(manifest.dtype)) throw wrong(`dtype f32 or f16, got ${shown(manifest.dtype)}`);
  const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);
  const isCount = (value: unknown, least: number) => Number.isSafeInteger(value) && (value as number) >= least;
  if (!isRecord(manifest.sites) || !Object.values(manifest.sites).every((D) => isCount(D, 1))) throw wrong(`the width of each site, got ${shown(manifest.sites)}`);
  const sites = Object.keys(manifest.sites);
  if (!Array.isArray(manifest.shards)) throw wrong(`a list of shards, got ${shown(manifest.shards)}`);
  if (sites.length === 0 && manifest.shards.length > 0) throw wrong("the width of each site, got none");
  for (const shard of manifest.shards as Shard[]) {
    const fits = isRecord(shard) && typeof shard.name === "string" && isCount(shard.tokens, 1) && isCount(shard.bytes, 1) && isRecord(shard.sha256) && sites.every((site) => typeof shard.sha256[site] === "string");
    if (!fits) throw wrong(`shards with name, tokens, bytes and sha256 of every site, got ${shown(shard)}`);
  }
  return manifest;
}

export function writeManifest(store: ShardStore, manifest: ShardManifest): Promise<void> {
  return store.write(manifestName, [new TextEncoder().encode(`${JSON.stringify(manifest, undefined, 2)}\n`)]);
}

export async function sha256(data: ArrayBufferView): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", data as ArrayBufferView<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

const wrong = (what: string) => new ActivationsError("FORMAT", `${manifestName}: expected ${what}`, "write the shards again");
