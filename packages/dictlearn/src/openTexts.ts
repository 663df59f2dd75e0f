import { type Text, type TextOptions, readTexts } from "@dictlearn/corpus";
import { type HubOption } from "./openFolder.js";
import { orderOfShards, shuffledOrder } from "./shuffledOrder.js";

export interface OpenTextsOptions extends HubOption, Omit<TextOptions, "shuffle"> {
  /** Default "train". */
  split?: string;
  /** Which configuration, where a data set has several. */
  config?: string;
  /** Branch, tag or commit of a repository of the Hub; default "main". `refs/convert/parquet` is the Hub's own copy as Parquet. */
  revision?: string;
  /** Shards in a random order, texts shuffled among so many; the same for a seed. Default: as they lie. */
  shuffle?: { seed: number; window: number };
  /** Keep the files of the Hub on disk, whole; default: what is streamed is forgotten. */
  cacheData?: boolean;
}

/**
 * The texts of a data set, read (from the Hub: streamed) while they are asked for. Each comes with the place behind it:
 * given as `cursor` with the same options, reading goes on there.
 * @param name a file, a folder, a glob (`data/*.jsonl.zst`), `owner/name` of a data set on the Hugging Face Hub, or
 *   "demo": State of the Union addresses. What lies on this machine comes first
 * @throws while iterating: NOT_FOUND, USAGE for an unknown split or config, UNSUPPORTED for other files than parquet,
 *   jsonl, csv and txt; HubError; CorpusError FORMAT for broken files, and for a column that is not there
 */
export async function* openTexts(name: string, { split, config, revision, shuffle, cacheData, hub, ...options }: OpenTextsOptions = {}): AsyncGenerator<Text, void> {
  const { shardsOf } = await import("./shardsOf.js"); // YAML and patterns take 50 ms to load, and analyse needs neither
  const shards = await shardsOf(name, { split, config, revision, cacheData, hub });
  if (!shuffle) return yield* readTexts(shards, options);
  const order = shuffledOrder(shuffle.seed);
  const shuffled = [...order(shards.length, orderOfShards)].map((i) => shards[i]);
  yield* readTexts(shuffled, { ...options, shuffle: { window: shuffle.window, order } });
}
