import type { NamedTensor } from "./bufferState.js";
import { ActivationsError, expectCount } from "./error.js";
import { narrowF16 } from "./float16.js";
import { manifestName, readManifest, sha256, writeManifest, type Shard, type ShardDtype, type ShardFormat, type ShardManifest, type ShardStore } from "./shardManifest.js";
import { checkActivations, disposeAll, type ActivationSource } from "./source.js";

export interface WriteShardsOptions {
  store: ShardStore;
  format: ShardFormat;
  /** A shard ends with the rows that bring it to so many tokens; so it may have a pass more, and harvesting can go on behind it. */
  tokensPerShard: number;
  /** f16 takes half the room and keeps 11 bits. Default f32. */
  dtype?: ShardDtype;
  /** Leaves out the first positions of each row. Default 0. */
  skipFirst?: number;
  /** Ends with the rows that bring all shards to so many tokens. Default: the source's end. */
  tokens?: number;
  /** Kept in the manifest: model, revision, corpus, versions. */
  provenance?: Readonly<Record<string, unknown>>;
  /** Goes on behind these shards; the source was opened at its `cursor`. What they have is kept: dtype, skipFirst, provenance. */
  after?: ShardManifest;
}

/**
 * Writes a source's activations to shards, in the order of the text, and `manifest.json` anew behind each, so that what
 * is cut short can be read, and gone on with. Takes host memory for some three shards.
 * `for await (const { shards } of writeShards(source, options)) console.log(shards.length)`
 * @returns the manifest after each shard; the last one is complete
 * @throws USAGE if there are shards already and `after` is not given; FORMAT for an activation that f16 cannot hold
 */
export async function* writeShards(source: ActivationSource, options: WriteShardsOptions): AsyncGenerator<ShardManifest, void> {
  const { store, format, tokensPerShard, tokens = Infinity, after } = options;
  expectCount("writeShards", "tokensPerShard", tokensPerShard, 1);
  if (tokens !== Infinity) expectCount("writeShards", "tokens", tokens);
  const { dtype = "f32", skipFirst = 0, provenance = {} } = after ?? options;
  expectCount("writeShards", "skipFirst", skipFirst);
  if (!after && (await readManifest(store))) throw new ActivationsError("USAGE", `writeShards: expected a store without shards, got one with ${manifestName}`, "write elsewhere, or go on with { after: await readManifest(store) }");

  let manifest: ShardManifest = after ?? { format: "dictlearn activations", version: 1, dtype, sites: {}, skipFirst, shards: [], cursor: null, complete: false, provenance };
  let sites = after && new Map(Object.entries(after.sites));
  let written = manifest.shards.reduce((sum, shard) => sum + shard.tokens, 0);
  let parts = new Map<string, Float32Array[]>();
  let gathered = 0; // tokens in `parts`
  let cursor = manifest.cursor;

  const close = async (complete: boolean) => {
    const shards = gathered > 0 ? [...manifest.shards, await writeShard()] : manifest.shards;
    manifest = { ...manifest, sites: Object.fromEntries(sites ?? []), shards, cursor, complete };
    await writeManifest(store, manifest);
    [parts, gathered] = [new Map(), 0];
    return manifest;
  };

  async function writeShard(): Promise<Shard> {
    const name = `${String(manifest.shards.length).padStart(5, "0")}.safetensors`;
    const tensors: NamedTensor[] = [];
    const digests: Record<string, string> = {};
    for (const [site, pieces] of parts) {
      const data = joined(pieces, dtype, `${name}: ${site}`);
      parts.set(site, []); // they are in `data` now
      tensors.push({ name: site, dtype, shape: [gathered, sites!.get(site)!], data });
      digests[site] = await sha256(data);
    }
    const bytes = format.encode(tensors, { format: "dictlearn activations" });
    await store.write(name, [bytes]);
    return { name, tokens: gathered, bytes: bytes.length, sha256: digests };
  }

  while (written < tokens) {
    const found = await source.next();
    if (!found) break;
    const { rows, activations } = found;
    try {
      sites = checkActivations(source.device, activations, rows, sites);
      const kept = keptTokens(rows.start, skipFirst);
      for (const [site, x] of Object.entries(activations)) {
        const all = (await x.read()) as Float32Array;
        const pieces = parts.get(site) ?? [];
        pieces.push(selected(all, kept, sites.get(site)!));
        parts.set(site, pieces);
      }
      gathered += kept.length;
      written += kept.length;
      cursor = structuredClone(found.cursor) ?? null;
    } finally {
      disposeAll(activations);
    }
    if (gathered >= tokensPerShard && written < tokens) yield await close(false);
  }
  yield await close(true);
}

/** Which tokens stand behind the first `skipFirst` of their row. */
function keptTokens(start: Uint32Array, skipFirst: number): number[] {
  const kept: number[] = [];
  for (let r = 0; r + 1 < start.length; r++) for (let n = start[r] + skipFirst; n < start[r + 1]; n++) kept.push(n);
  return kept;
}

function selected(all: Float32Array, rows: readonly number[], D: number): Float32Array {
  if (rows.length * D === all.length) return all;
  const out = new Float32Array(rows.length * D);
  rows.forEach((row, i) => out.set(all.subarray(row * D, (row + 1) * D), i * D));
  return out;
}

/** @throws FORMAT for a finite number beyond f16's 65504 */
function joined(pieces: readonly Float32Array[], dtype: ShardDtype, subject: string): Float32Array | Uint16Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
  const whole = dtype === "f32" ? new Float32Array(length) : new Uint16Array(length);
  let at = 0;
  for (const piece of pieces) {
    if (whole instanceof Float32Array) whole.set(piece, at);
    else {
      const halves = narrowF16(piece, whole.subarray(at, at + piece.length));
      const out = halves.findIndex((half, i) => (half & 0x7fff) === 0x7c00 && Number.isFinite(piece[i]));
      if (out >= 0) throw new ActivationsError("FORMAT", `${subject}: expected activations of at most 65504, got ${piece[out]}`, "write f32, or leave out the first positions");
    }
    at += piece.length;
  }
  return whole;
}
