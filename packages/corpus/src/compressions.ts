import type { Compression } from "./compression.js";
import { gzip } from "./gzip.js";
import { zstd } from "./zstd.js";

export const compressions: readonly Compression[] = [zstd, gzip];

export function compressionOf(name: string): Compression | undefined {
  return compressions.find(({ ending }) => name.toLowerCase().endsWith(ending));
}
