import { openShards as open, writeShards } from "@dictlearn/activations";
import { memorySource, openSafetensors, writeSafetensors } from "@dictlearn/checkpoint";
import { openDevice } from "@dictlearn/kernels/node";
import { bytesOf, jsonTokens, oddCopy, oddJson, textOf } from "../json.js";

const format = { encode: writeSafetensors, open: openSafetensors };

/** Activations that someone else wrote: a manifest beside real shards. An input is the manifest, NUL, and the first shard. */
export async function openShards() {
  const device = await openDevice({ backend: "cpu", threads: 1, engine: "wasm" });
  const written = new Map();
  const store = storeOf(written);
  for await (const _ of writeShards(sourceOf(device), { store, format, tokensPerShard: 4, provenance: { model: "x" } }));
  const manifest = JSON.parse(textOf(written.get("manifest.json")));
  const first = written.get(manifest.shards[0].name);
  const cursor = { seed: 0, shards: manifest.shards.length, content: "x", place: 0, token: 1 };
  const packed = (json, shard) => {
    const text = bytesOf(json);
    const bytes = new Uint8Array(text.length + 1 + shard.length);
    bytes.set(text);
    bytes.set(shard, text.length + 1);
    return bytes;
  };
  return {
    name: "shards",
    seeds: [packed(JSON.stringify({ manifest }), first), packed(JSON.stringify({ manifest, cursor }), first)],
    tokens: [...jsonTokens, bytesOf('"../x"'), bytesOf('"a/b"')],
    make: (random) => packed(oddJson(oddCopy(random.below(3) === 0 ? { manifest, cursor } : { manifest }, random), random), first),
    async read(bytes) {
      const end = bytes.indexOf(0);
      let told;
      try {
        told = JSON.parse(textOf(bytes.subarray(0, end < 0 ? bytes.length : end))) ?? {};
      } catch {
        told = {};
      }
      const files = new Map(written).set("manifest.json", bytesOf(JSON.stringify(told.manifest) ?? "")).set(manifest.shards[0].name, bytes.subarray(end + 1));
      const source = await open({ store: storeOf(files), format, device, seed: 0, ...(told.cursor !== undefined && { cursor: told.cursor }) });
      for (let batch = await source.next(); batch; batch = await source.next()) for (const tensor of Object.values(batch.activations)) tensor.dispose();
    },
    close: () => device.dispose(),
  };
}

function storeOf(files) {
  return {
    write: async (name, chunks) => void files.set(name, Uint8Array.from([...chunks].flatMap((chunk) => [...chunk]))),
    read: async (name) => {
      if (!files.has(name)) throw new Error(`a file that is not in the folder: ${name}`);
      return memorySource(files.get(name), name);
    },
    list: async () => [...files.keys()],
  };
}

/** Ten tokens of two numbers each. */
function sourceOf(device) {
  let left = 2;
  return {
    device,
    widths: { site: 2 },
    async next() {
      if (left-- === 0) return undefined;
      return { rows: { tokens: Uint32Array.from([1, 2, 3, 4, 5]), start: Uint32Array.of(0, 5) }, activations: { site: device.tensor(Float32Array.from({ length: 10 }, (_, i) => i), [5, 2]) }, cursor: left };
    },
    rerun: () => Promise.reject(new Error("not asked for")),
  };
}
