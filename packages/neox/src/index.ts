export { parseConfig, type NeoxConfig } from "./config.js";
export { NeoxError } from "./error.js";
export { generate, type GenerateOptions } from "./generate.js";
export type { Hook, HookPlace, HooksBySite, MeanHook, MeanHooksBySite } from "./hooks.js";
export { KvCache } from "./kvCache.js";
export { Neox, openNeox, type NeoxOptions, type RunOptions } from "./model.js";
export { packRows, type PackedRows } from "./rows.js";
export { parseSite, sitesOf } from "./sites.js";
export type { NamedTensor, WeightReader } from "./weights.js";
