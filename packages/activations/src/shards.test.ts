import { openSafetensors, toFloat32, writeSafetensors, type NamedTensor as Stored } from "@dictlearn/checkpoint";
import { widenF16 } from "@dictlearn/kernels";
import { devices } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { activation, corpus, countingSource, widths } from "../test/countingSource.js";
import { memoryStore } from "../test/memoryStore.js";
import { narrowF16 } from "./float16.js";
import { openBuffer, openShards, readManifest, restoreBuffer, writeShards, type ActivationBuffer, type ShardFormat, type ShardManifest, type WriteShardsOptions } from "./index.js";

const format: ShardFormat = { encode: (tensors, metadata) => writeSafetensors(tensors as Stored[], metadata), open: openSafetensors };
const rows = corpus(Array.from({ length: 60 }, (_, i) => [7, 1, 12, 0, 3, 9, 5][i % 7])); // 318 tokens
const total = rows.reduce((sum, { length }) => sum + length, 0);
const places = new Map(rows.flatMap((row) => [...row].map((token, position) => [token, { row, position }] as const)));
const sorted = (numbers: number[]) => [...numbers].sort((a, b) => a - b);
const upTo = (n: number) => Array.from({ length: n }, (_, i) => i);

async function write(source: ReturnType<typeof countingSource>, options: Partial<WriteShardsOptions> = {}, most = Infinity) {
  const store = (options.store as ReturnType<typeof memoryStore> | undefined) ?? memoryStore();
  const manifests: ShardManifest[] = [];
  for await (const manifest of writeShards(source, { format, tokensPerShard: 40, ...options, store })) if (manifests.push(manifest) === most) break;
  return { store, manifests, manifest: manifests.at(-1)! };
}

/** final_norm of every batch that is left. */
async function drain(buffer: ActivationBuffer, most = Infinity): Promise<number[][]> {
  const batches: number[][] = [];
  while (batches.length < most) {
    const batch = await buffer.next();
    if (!batch) break;
    batches.push([...(await batch.final_norm.read())]);
    for (const x of Object.values(batch)) x.dispose();
  }
  return batches;
}
const tokensOf = (batches: number[][]) => batches.flatMap((batch) => batch.filter((_, i) => i % 5 === 0));

describe.each(await devices())("shards on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each(["f32", "f16"] as const)("as %s: written, read through a buffer, every activation once and as it was", async (dtype) => {
    const bytes = device.bytesInUse;
    const { store, manifest } = await write(countingSource(device, rows), { dtype });
    expect(manifest.shards.length).toBeGreaterThan(5);
    const source = await openShards({ store, format, device, seed: 4 });
    using buffer = openBuffer(source, { batchSize: 10, capacity: 130, partial: true, seed: 4 });
    const batches = await drain(buffer);
    expect(sorted(tokensOf(batches))).toEqual(upTo(total));
    for (const batch of batches)
      for (let b = 0; b < batch.length; b += 5) {
        const { row, position } = places.get(batch[b])!;
        const expected = Float32Array.from(activation(row, position, 5));
        expect(batch.slice(b, b + 5)).toEqual([...(dtype === "f16" ? widenF16(narrowF16(expected)) : expected)]);
      }
    buffer.dispose();
    expect(device.bytesInUse).toBe(bytes);
  });

  test.skipIf(skipped)("a cursor or a manifest that is none is an error with a code, whatever it holds", async () => {
    const { store } = await write(countingSource(device, rows));
    const deep: unknown = JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
    for (const odd of [deep, { toString: null, valueOf: null }, [], -1, 0.5, "1"])
      for (const cursor of [{ seed: 0, shards: odd }, { seed: odd, shards: 1 }, { seed: 0, shards: 8, content: odd, place: 0, token: 0 }, { seed: 0, shards: 8, content: "", place: odd, token: 0 }, { seed: 0, shards: 8, content: "", place: 0, token: odd }])
        await expect(openShards({ store, format, device, seed: 0, cursor })).rejects.toMatchObject({ name: "ActivationsError", code: "USAGE" });
    for (const odd of [deep, { toString: null }])
      for (const name of ["format", "dtype", "sites", "shards"]) {
        const manifest = { format: "dictlearn activations", version: 1, dtype: "f32", sites: { site: 2 }, shards: [], [name]: odd };
        const bytes = new TextEncoder().encode(`{${Object.entries(manifest).map(([key, value]) => `"${key}":${value === deep ? `${"[".repeat(100_000)}${"]".repeat(100_000)}` : JSON.stringify(value)}`).join(",")}}`);
        const other = { ...store, list: async () => ["manifest.json"], read: async () => ({ byteLength: bytes.length, slice: async () => bytes.buffer }) };
        await expect(openShards({ store: other, format, device, seed: 0 })).rejects.toMatchObject({ name: "ActivationsError" });
      }
  });

  test.skipIf(skipped)("a buffer that is resumed keeps to the shards that it began with, though more were written since", async () => {
    const whole = await write(countingSource(device, rows));
    const { store } = await write(countingSource(device, rows), {}, 4);
    const after = (await readManifest(store))!;
    const buffering = { batchSize: 10, capacity: 60, seed: 2 };
    using first = openBuffer(await openShards({ store, format, device, seed: 1 }), buffering);
    await drain(first, 3);
    const state = await first.state();
    const expected = await drain(first);
    await write(countingSource(device, rows, { cursor: (after.cursor as { row: number }).row }), { store, after });
    expect((await readManifest(store))!.shards.length).toBe(whole.manifest.shards.length);
    using second = await restoreBuffer(await openShards({ store, format, device, seed: 1, cursor: state.json.cursor }), state);
    expect(await drain(second)).toEqual(expected);
  });

  test.skipIf(skipped)("resumed at any step, a buffer of shards goes on bit for bit, and reads each shard again at most once", async () => {
    const { store } = await write(countingSource(device, rows), { dtype: "f16" });
    const open = (cursor?: unknown) => openShards({ store, format, device, seed: 1, cursor });
    using whole = openBuffer(await open(), { batchSize: 10, capacity: 100, seed: 2 });
    const expected = await drain(whole);
    for (let k = 0; k <= expected.length; k += 3) {
      using first = openBuffer(await open(), { batchSize: 10, capacity: 100, seed: 2 });
      await drain(first, k);
      const { json, tensors } = await first.state();
      store.reads.length = 0;
      using second = await restoreBuffer(await open(JSON.parse(JSON.stringify(json)).cursor), { json, tensors });
      const shards = store.reads.filter((name) => name !== "manifest.json");
      expect(shards).toHaveLength(new Set(shards).size);
      expect(await drain(second)).toEqual(expected.slice(k));
    }
  });
});

const [{ device: cpu }] = await devices();
const device = cpu!;

describe("written", () => {
  test("the manifest says what there is, and a shard is a safetensors file in the order of the text", async () => {
    const provenance = { model: "EleutherAI/pythia-70m-deduped", revision: "abc" };
    const { store, manifests } = await write(countingSource(device, rows), { provenance, skipFirst: 2 });
    const manifest = (await readManifest(store))!;
    expect(manifest).toEqual(manifests.at(-1));
    expect(manifest).toMatchObject({ format: "dictlearn activations", version: 1, dtype: "f32", sites: widths, skipFirst: 2, complete: true, cursor: { row: 60 }, provenance });
    expect(manifests.slice(0, -1).every(({ complete }) => !complete)).toBe(true);
    const kept: number[] = [];
    for (const shard of manifest.shards) {
      const file = await openSafetensors(await store.read(shard.name));
      expect([...file.names].sort()).toEqual(Object.keys(widths).sort());
      const { shape, data } = await file.read("final_norm");
      expect(shape).toEqual([shard.tokens, 5]);
      kept.push(...tokensOf([[...toFloat32({ name: "", dtype: "f32", shape, data })]]));
    }
    expect(kept).toEqual(rows.flatMap((row) => [...row.subarray(2)]));
    // a shard ends with the pass that brings it to 40, so only the last may have less
    expect(manifest.shards.slice(0, -1).every(({ tokens }) => tokens >= 40 && tokens < 40 + 36)).toBe(true);
  });

  test("cut short behind any shard and gone on with, they are the same files", async () => {
    const expected = await write(countingSource(device, rows));
    for (let k = 1; k < expected.manifests.length; k++) {
      const { store } = await write(countingSource(device, rows), {}, k);
      const after = (await readManifest(store))!;
      expect(after.complete).toBe(false);
      await write(countingSource(device, rows, { cursor: (after.cursor as { row: number }).row }), { store, after });
      expect(store.files).toEqual(expected.store.files);
    }
  });

  test("no more is asked of the source than the tokens take", async () => {
    const source = countingSource(device, rows, { rowsAtOnce: 1 });
    const { manifest } = await write(source, { tokens: 100 });
    expect(manifest.shards.reduce((sum, { tokens }) => sum + tokens, 0)).toBe(source.asked.tokens);
    expect(source.asked.tokens).toBeLessThan(100 + 12);
    expect(manifest.complete).toBe(true);
  });

  test("a source without text makes no shards, and reads back as none", async () => {
    const { store, manifest } = await write(countingSource(device, []));
    expect(manifest.shards).toEqual([]);
    expect(await (await openShards({ store, format, device, seed: 0 })).next()).toBeUndefined();
  });

  test("shards are not written over, and what f16 cannot hold is refused and leaves what was there", async () => {
    const { store } = await write(countingSource(device, rows));
    const before = new Map(store.files);
    await expect(write(countingSource(device, rows), { store })).rejects.toMatchObject({ code: "USAGE", message: "writeShards: expected a store without shards, got one with manifest.json" });
    expect(store.files).toEqual(before);

    const large = countingSource(device, rows);
    const source = { ...large, next: async () => ({ ...(await large.next())!, activations: { final_norm: device.tensor(Float32Array.of(1, 65504, 65519, 7e4), [4, 1]) }, rows: { tokens: new Uint32Array(4), start: Uint32Array.of(0, 4) } }) };
    const empty = memoryStore();
    await expect(write(source, { dtype: "f16", store: empty, tokensPerShard: 4 })).rejects.toMatchObject({ code: "FORMAT", message: "00000.safetensors: final_norm: expected activations of at most 65504, got 70000" });
    expect(empty.files.size).toBe(0);
  });
});

describe("read", async () => {
  const shards = await write(countingSource(device, rows), { dtype: "f16" });
  /** The store with one file changed, or gone. */
  const changed = (name: string, change: (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined) => {
    const store = memoryStore();
    for (const [other, bytes] of shards.store.files) {
      const kept = other === name ? change(bytes.slice()) : bytes;
      if (kept) store.files.set(other, kept);
    }
    return store;
  };
  const open = (store = shards.store, options: object = {}) => openShards({ store, format, device, seed: 1, ...options });
  const readAll = async (store: typeof shards.store) => {
    using buffer = openBuffer(await open(store), { batchSize: 10, seed: 0 });
    await drain(buffer);
  };

  test("one shard after another, each once, in an order of the seed's", async () => {
    const orderOf = async (seed: number) => {
      shards.store.reads.length = 0;
      using buffer = openBuffer(await open(shards.store, { seed }), { batchSize: 10, seed: 0 });
      await drain(buffer);
      return shards.store.reads.filter((name) => name !== "manifest.json");
    };
    const order = await orderOf(1);
    expect([...order].sort()).toEqual(shards.manifest.shards.map(({ name }) => name));
    expect(await orderOf(1)).toEqual(order);
    expect(await orderOf(2)).not.toEqual(order);
  });

  test("some of the sites, when asked", async () => {
    using buffer = openBuffer(await open(shards.store, { sites: ["final_norm"] }), { batchSize: 10, seed: 0 });
    const batch = (await buffer.next())!;
    expect(Object.keys(batch)).toEqual(["final_norm"]);
    batch.final_norm.dispose();
    await expect(open(shards.store, { sites: ["embed"] })).rejects.toMatchObject({ code: "NOT_FOUND", message: "shards: expected one of the sites layers.0.mlp_out, final_norm, got embed" });
  });

  test.each<[string, string, (bytes: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer> | undefined, string]>([
    ["missing", "NOT_FOUND", () => undefined, "00002.safetensors: expected a shard that manifest.json names, got none"],
    ["short", "FORMAT", (bytes) => bytes.slice(0, -2), "00002.safetensors: expected"],
    ["empty", "FORMAT", () => new Uint8Array(0), "00002.safetensors: expected"],
    ["other in one bit", "FORMAT", (bytes) => (bytes.set([bytes.at(-1)! ^ 4], bytes.length - 1), bytes), "00002.safetensors: expected the data of"],
    ["other in its header", "FORMAT", (bytes) => (bytes.set([0x7b, 0x7b], 8), bytes), "00002.safetensors: expected layers.0.mlp_out, final_norm in it, got"],
    ["another shard", "FORMAT", () => shards.store.files.get("00001.safetensors")!, "00002.safetensors: expected"],
  ])("a shard that is %s is an error that names it", async (_, code, change, message) => {
    const bytes = device.bytesInUse;
    await expect(readAll(changed("00002.safetensors", change))).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(device.bytesInUse).toBe(bytes);
  });

  test.each<[string, (manifest: Record<string, unknown>) => unknown]>([
    ["of no shards", (m) => ({ ...m, format: "parquet" })],
    ["of another version", (m) => ({ ...m, version: 2 })],
    ["of another dtype", (m) => ({ ...m, dtype: "f64" })],
    ["without widths", (m) => ({ ...m, sites: { final_norm: "5" } })],
    ["without sites, though it counts tokens", (m) => ({ ...m, sites: {}, shards: [{ name: "00000.safetensors", tokens: 2 ** 24, bytes: 160, sha256: {} }] })],
    ["without a list", (m) => ({ ...m, shards: {} })],
    ["with half a shard", (m) => ({ ...m, shards: [{ name: "00000.safetensors", tokens: 3 }] })],
    ["null", () => null],
  ])("a manifest %s is refused", async (_, change) => {
    const text = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    const store = changed("manifest.json", (bytes) => text(change(JSON.parse(new TextDecoder().decode(bytes)))));
    await expect(open(store)).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("manifest.json: expected") });
  });

  test("a manifest cut short, or none", async () => {
    await expect(open(changed("manifest.json", (bytes) => bytes.slice(0, 99)))).rejects.toMatchObject({ code: "FORMAT", message: expect.stringContaining("manifest.json: expected JSON") });
    await expect(open(changed("manifest.json", () => undefined))).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test.each([{ seed: 2, place: 0, token: 0 }, { seed: 1, place: 99, token: 0 }, { seed: 1, place: 0, token: 999 }, { seed: 1, place: -1, token: 0 }, { seed: 1, shards: 99, place: 0, token: 0 }, { seed: 1 }, 7].map((cursor) => (typeof cursor === "object" ? { shards: shards.manifest.shards.length, ...cursor } : cursor)))("a cursor of other shards or another seed is refused: %j", async (cursor) => {
    await expect(open(shards.store, { cursor })).rejects.toMatchObject({ code: "USAGE" });
  });

  test("so is one of shards with other activations, though as many", async () => {
    const { cursor } = (await (await open()).next())!;
    const others = changed("manifest.json", (bytes) => new TextEncoder().encode(new TextDecoder().decode(bytes).replace(shards.manifest.shards[3].sha256.final_norm, "0".repeat(64))));
    await expect(open(others, { cursor })).rejects.toMatchObject({ code: "USAGE", message: expect.stringMatching(/^shards: expected the activations that the cursor is of/) });
    await open(shards.store, { cursor });
  });

  test("the numbers of other shards are refused", async () => {
    const source = await open();
    await expect(source.rerun({ tokens: Uint32Array.of(0, total), start: Uint32Array.of(0, 2) })).rejects.toMatchObject({ code: "FORMAT", message: `shards: expected the number of one of ${total} activations, got ${total}` });
  });
});
