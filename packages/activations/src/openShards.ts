import { castF32, openRng, type Device, type Tensor } from "@dictlearn/kernels";
import type { NamedTensor } from "./bufferState.js";
import { ActivationsError, shown } from "./error.js";
import { manifestName, readManifest, sha256, type Shard, type ShardFormat, type ShardManifest, type ShardStore } from "./shardManifest.js";
import type { Activations, ActivationSource, Harvested, TokenRows } from "./source.js";

/** Shards as a source, with the width of each site and what is known of them. */
export interface ShardSource extends ActivationSource {
  readonly widths: Readonly<Record<string, number>>;
  readonly manifest: ShardManifest;
}

export interface OpenShardsOptions {
  store: ShardStore;
  format: ShardFormat;
  device: Device;
  /** The order of the shards: 0..2^53-1. */
  seed: number;
  /** Which sites to read. Default all. */
  sites?: readonly string[];
  /** Where to begin: the cursor of a saved buffer; null or nothing for the beginning. Shards that were written since are left out. */
  cursor?: unknown;
}

/** Tokens handed over at once. */
const piece = 1024;

/**
 * Shards as a source for a buffer, in a random order of the shards; the buffer, with a capacity of several shards, draws
 * its batches uniformly from all that it holds. One shard at a time is in host memory. What a row's `tokens` hold are not
 * token ids but each activation's own number: its place in all shards of the manifest.
 * @throws NOT_FOUND without manifest.json, for a shard that it names and the store has not, or a site that it has not;
 *   FORMAT for a shard that is shorter, or other, than the manifest says
 */
export async function openShards({ store, format, device, seed, sites, cursor = null }: OpenShardsOptions): Promise<ShardSource> {
  const manifest = await readManifest(store);
  if (!manifest) throw new ActivationsError("NOT_FOUND", `shards: expected ${manifestName}, got none`, "write them with writeShards");
  const present = new Set(await store.list());
  for (const { name } of manifest.shards) if (!present.has(name)) throw new ActivationsError("NOT_FOUND", `${name}: expected a shard that ${manifestName} names, got none`);
  const chosen = sites ?? Object.keys(manifest.sites);
  for (const site of chosen) if (!Object.hasOwn(manifest.sites, site)) throw new ActivationsError("NOT_FOUND", `shards: expected one of the sites ${Object.keys(manifest.sites).join(", ")}, got ${site}`);

  const begun = (cursor as { shards?: unknown } | null)?.shards;
  const shards = manifest.shards.slice(0, typeof begun === "number" ? begun : undefined); // those that a resumed run began with
  const first = [0]; // the number of each shard's first activation
  for (const { tokens } of shards) first.push(first.at(-1)! + tokens);
  if (first.at(-1)! > 2 ** 32) throw new ActivationsError("UNSUPPORTED", `shards: expected at most 2^32 tokens, got ${first.at(-1)}`, "read them as several sets");
  const order = openRng({ seed, stream: "corpus" }).permutation(shards.length);
  const content = await sha256(new TextEncoder().encode(JSON.stringify(shards.map(({ sha256 }) => sha256))));
  let at = checkCursor(cursor, { seed, content, tokens: Array.from(order, (shard) => shards[shard].tokens) });
  let open: { shard: number; tensors: Map<string, NamedTensor> } | undefined;

  async function load(shard: number): Promise<Map<string, NamedTensor>> {
    if (open?.shard === shard) return open.tensors;
    open = undefined; // the memory of one is free before the next comes
    const tensors = await readShard(manifest!, shards[shard], chosen, { store, format });
    open = { shard, tensors };
    return tensors;
  }

  /** f32[end-start,D] of a shard */
  const upload = (tensors: Map<string, NamedTensor>, start: number, end: number): Record<string, Tensor> =>
    device.scope(() =>
      Object.fromEntries(
        [...tensors].map(([site, { data }]) => {
          const D = manifest.sites[site];
          const part = (data as Float32Array | Uint16Array).subarray(start * D, end * D);
          const x = device.tensor(part, [end - start, D]);
          return [site, part instanceof Uint16Array ? castF32(x) : x];
        }),
      ),
    );

  return {
    device,
    manifest,
    widths: Object.fromEntries(chosen.map((site) => [site, manifest.sites[site]])),
    async next(): Promise<Harvested | undefined> {
      if (at.place >= order.length) return undefined;
      const shard = order[at.place];
      const { tokens } = shards[shard];
      const tensors = await load(shard);
      const [start, end] = [at.token, Math.min(at.token + piece, tokens)];
      const activations = upload(tensors, start, end);
      at = end < tokens ? { place: at.place, token: end } : { place: at.place + 1, token: 0 };
      const numbers = Uint32Array.from({ length: end - start }, (_, i) => first[shard] + start + i);
      return { rows: { tokens: numbers, start: Uint32Array.of(0, numbers.length) }, activations, cursor: { seed, shards: shards.length, content, ...at } };
    },
    async rerun({ tokens }: TokenRows): Promise<Activations> {
      const host = chosen.map((site) => ({ site, D: manifest.sites[site], data: manifest.dtype === "f16" ? new Uint16Array(tokens.length * manifest.sites[site]) : new Float32Array(tokens.length * manifest.sites[site]) }));
      let shard = -1;
      for (let n = 0; n < tokens.length; n++) {
        if (!(first[shard] <= tokens[n] && tokens[n] < first[shard + 1])) shard = first.findIndex((number) => number > tokens[n]) - 1;
        if (shard < 0) throw new ActivationsError("FORMAT", `shards: expected the number of one of ${first.at(-1)} activations, got ${tokens[n]}`, "resume with the shards that the buffer was saved with");
        const tensors = await load(shard);
        const row = tokens[n] - first[shard];
        for (const { site, D, data } of host) data.set((tensors.get(site)!.data as Float32Array).subarray(row * D, (row + 1) * D), n * D);
      }
      return upload(new Map(host.map(({ site, D, data }) => [site, { name: site, dtype: manifest.dtype, shape: [tokens.length, D], data }])), 0, tokens.length);
    },
  };
}

/**
 * @param tokens of the shards in the order in which they are read
 * @throws USAGE for the cursor of another seed or other shards
 */
function checkCursor(cursor: unknown, { seed, content, tokens }: { seed: number; content: string; tokens: readonly number[] }): { place: number; token: number } {
  if (cursor === null) return { place: 0, token: 0 };
  const { seed: of, shards, content: saved, place, token } = cursor as Record<"seed" | "shards" | "content" | "place" | "token", unknown>;
  const isPlace = Number.isSafeInteger(place) && Number.isSafeInteger(token) && (token as number) >= 0 && (place === tokens.length ? token === 0 : (token as number) < tokens[place as number]);
  if (of !== seed || shards !== tokens.length || !isPlace) throw new ActivationsError("USAGE", `shards: expected a cursor of these ${tokens.length} shards with seed ${seed}, got ${shown(cursor)}`, "open them with the seed that they were read with");
  if (saved !== content) throw new ActivationsError("USAGE", `shards: expected the activations that the cursor is of (SHA-256 ${shown(saved).slice(0, 14)}…), got others (${content.slice(0, 12)}…)`, "resume with the shards that were read before");
  return { place: place as number, token: token as number };
}

/** The tensors of a shard, each checked against the manifest. */
async function readShard(manifest: ShardManifest, { name, tokens, bytes, sha256: digests }: Shard, sites: readonly string[], { store, format }: { store: ShardStore; format: ShardFormat }): Promise<Map<string, NamedTensor>> {
  const wrong = (what: string) => new ActivationsError("FORMAT", `${name}: expected ${what}`, "write this shard again, or fetch it again");
  const source = await store.read(name);
  if (source.byteLength !== bytes) throw wrong(`${bytes} bytes as ${manifestName} says, got ${source.byteLength}`);
  const tensors = new Map<string, NamedTensor>();
  try {
    const file = await format.open(source);
    for (const site of sites) tensors.set(site, await file.read(site));
  } catch (cause) {
    throw wrong(`${sites.join(", ")} in it, got ${(cause as Error).message}`);
  }
  for (const [site, { dtype, shape, data }] of tensors) {
    const D = manifest.sites[site];
    if (dtype !== manifest.dtype || shape.length !== 2 || shape[0] !== tokens || shape[1] !== D) throw wrong(`${site} to be ${manifest.dtype}[${tokens},${D}], got ${dtype}[${shape}]`);
    if ((await sha256(data)) !== digests[site]) throw wrong(`the data of ${site} as they were written, got others (SHA-256)`);
  }
  return tensors;
}
