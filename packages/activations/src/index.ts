export { ActivationsError } from "./error.js";
export type { Activations, ActivationSource, Harvested, TokenRows } from "./source.js";
export type { ActivationBuffer, Batch } from "./buffer.js";
export { openBuffer, restoreBuffer, type BufferOptions } from "./openBuffer.js";
export type { BufferJson, BufferState, NamedTensor, Progress } from "./bufferState.js";
export { normFactors } from "./normFactors.js";
export { readManifest, type ByteSource, type Shard, type ShardDtype, type ShardFormat, type ShardManifest, type ShardStore } from "./shardManifest.js";
export { writeShards, type WriteShardsOptions } from "./writeShards.js";
export { openShards, type OpenShardsOptions, type ShardSource } from "./openShards.js";
