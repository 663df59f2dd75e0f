import { totalmem } from "node:os";
import { CommandError } from "@dictlearn/cli";

export interface Sizes {
  /** Width of the activations. */
  D: number;
  /** Features of each dictionary. */
  features: readonly number[];
  sites: number;
  batchSize: number;
  bufferTokens: number;
}

/** What a run keeps at the least, in bytes; the model comes on top. */
export function bytesOf({ D, features, sites, batchSize, bufferTokens }: Sizes): { dictionaries: number; buffer: number; batch: number } {
  const matrices = features.reduce((sum, F) => sum + 2 * F * D, 0);
  return {
    dictionaries: 4 * 4 * matrices * sites, // f32: parameters, gradients, Adam's two moments
    buffer: 4 * D * bufferTokens * sites,
    batch: 4 * D * batchSize * (sites + 4), // x, x less the bias, x̂, the error and its slope
  };
}

/** WebAssembly's addresses have 32 bits. */
const wasmMemory = 2 ** 32;

/** @throws CommandError USAGE, before any work, if a run can't fit */
export function expectMemory(sizes: Sizes, kind: "cpu" | "webgpu"): void {
  const { dictionaries, buffer, batch } = bytesOf(sizes);
  const total = dictionaries + buffer + batch;
  const most = kind === "cpu" ? Math.min(wasmMemory, totalmem()) : Infinity; // WebGPU does not tell how much a GPU has
  if (total <= most) return;
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toLocaleString("en", { maximumFractionDigits: 1 })} GB`;
  throw new CommandError(
    "USAGE",
    `memory: expected at most ${gigabytes(most)} on the CPU, got ${total.toLocaleString("en")} bytes: dictionaries with gradients and moments ${gigabytes(dictionaries)}, buffer ${gigabytes(buffer)}, batches ${gigabytes(batch)}`,
    "fewer --features, a smaller --buffer-tokens or --sae-batch-size, or a GPU (--device webgpu)",
  );
}
