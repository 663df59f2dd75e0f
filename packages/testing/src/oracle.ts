import { readFileSync } from "node:fs";
import { readSafetensors, type Arrays } from "./readSafetensors.js";

/** The URL of a file under oracles/, what the Python libraries computed: `oracle("trainers/topk.safetensors")`. */
export function oracle(path: string): URL {
  return new URL(`../../../oracles/${path}`, import.meta.url);
}

/** A recorded safetensors file as plain arrays. */
export function readOracle(path: string): Arrays {
  return readSafetensors(readFileSync(oracle(path)));
}
