import type { ByteSource } from "./byteSource.js";
import { entryOf, type Checkpoint } from "./checkpoint.js";
import { formatError, shown } from "./error.js";
import { openSafetensors } from "./safetensors.js";

/**
 * A model in several files, as `model.safetensors.index.json` or `pytorch_model.bin.index.json` lists them. A shard is
 * opened when the first of its tensors is asked for.
 * @param indexJson the text of the index: `{"weight_map": {"lm_head.weight": "model-00002-of-00002.safetensors", …}}`
 * @param openShard opens a file beside the index; the name is always a plain one, never a path
 * @throws FORMAT if the index is malformed, names a path, or lists a tensor that its shard lacks
 */
export function openSharded(indexJson: string, openShard: (fileName: string) => Promise<Checkpoint>): Checkpoint {
  const shardOf = weightMap(indexJson);
  const opened = new Map<string, Promise<Checkpoint>>();

  async function shardWith(name: string): Promise<Checkpoint> {
    const fileName = entryOf(shardOf, name, "index");
    let shard = opened.get(fileName);
    if (!shard) {
      shard = openShard(fileName);
      opened.set(fileName, shard);
      shard.catch(() => opened.delete(fileName)); // what failed may be tried again
    }
    const checkpoint = await shard;
    if (!checkpoint.has(name)) throw formatError(`index: expected tensor "${name}" in ${fileName}, got none`);
    return checkpoint;
  }

  return {
    names: [...shardOf.keys()],
    has: (name) => shardOf.has(name),
    info: async (name) => (await shardWith(name)).info(name),
    read: async (name) => (await shardWith(name)).read(name),
  };
}

/** {@link openSharded} for safetensors. @param openShard gives the bytes of a file beside the index */
export function openShardedSafetensors(indexJson: string, openShard: (fileName: string) => Promise<ByteSource>): Checkpoint {
  return openSharded(indexJson, async (fileName) => openSafetensors(await openShard(fileName)));
}

function weightMap(indexJson: string): Map<string, string> {
  let map: unknown;
  try {
    map = (JSON.parse(indexJson) as { weight_map?: unknown } | null)?.weight_map;
  } catch (cause) {
    throw formatError(`index: expected JSON, got ${(cause as Error).message}`);
  }
  if (typeof map !== "object" || map === null || Array.isArray(map)) throw formatError("index: expected a weight_map, got none");
  const entries = Object.entries(map);
  for (const [name, fileName] of entries)
    if (typeof fileName !== "string" || !/^\w[\w.-]*$/.test(fileName))
      throw formatError(`index: expected a plain file name for "${name}", got ${shown(fileName)}`);
  return new Map(entries as [string, string][]);
}
