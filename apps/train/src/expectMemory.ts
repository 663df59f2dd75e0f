import { totalmem } from "node:os";
import { CommandError, sizeOf } from "@dictlearn/command";
import { type Device, WebGpuDevice } from "@dictlearn/kernels";

export interface Sizes {
  /** Width of the activations. */
  D: number;
  /** Features of each dictionary. */
  features: readonly number[];
  sites: number;
  batchSize: number;
  bufferTokens: number;
  /** Of the model, where it runs: weights and what a pass takes. */
  passBytes: number;
}

/** What a run keeps at the least, in bytes. */
function bytesOf({ D, features, sites, batchSize, bufferTokens, passBytes }: Sizes): { dictionaries: number; buffer: number; batch: number; model: number } {
  const matrices = features.reduce((sum, F) => sum + 2 * F * D, 0);
  return {
    dictionaries: 4 * 4 * matrices * sites, // f32: parameters, gradients, Adam's two moments
    buffer: 4 * D * bufferTokens * sites,
    batch: 4 * D * batchSize * (sites + 4), // x, x less the bias, x̂, the error and its slope
    model: passBytes,
  };
}

/** WebAssembly's addresses have 32 bits. */
const wasmMemory = 2 ** 32;

/**
 * WebGPU does not tell how much memory a GPU has, but the largest array that it takes. A decoder is the largest: batches of
 * features are taken some rows at a time.
 * @throws CommandError USAGE, before any work, if a run can't fit
 */
export function expectMemory(sizes: Sizes, device: Device): void {
  const { dictionaries, buffer, batch, model } = bytesOf(sizes);
  if (device instanceof WebGpuDevice) {
    const F = Math.max(...sizes.features);
    const largest = 4 * F * sizes.D;
    if (largest > device.limits.bufferBytes)
      throw new CommandError("USAGE", `memory: expected arrays of at most ${device.limits.bufferBytes.toLocaleString("en")} bytes on ${device.label}, got ${largest.toLocaleString("en")}: a decoder of ${F.toLocaleString("en")} features of width ${sizes.D}`, "fewer --features, or --device cpu");
    return;
  }
  const total = dictionaries + buffer + batch + model;
  const most = Math.min(wasmMemory, totalmem());
  if (total <= most) return;
  throw new CommandError(
    "USAGE",
    `memory: expected at most ${sizeOf(most)} on the CPU, got ${total.toLocaleString("en")} bytes: dictionaries with gradients and moments ${sizeOf(dictionaries)}, buffer ${sizeOf(buffer)}, batches ${sizeOf(batch)}, model ${sizeOf(model)}`,
    "fewer --features, a smaller --buffer-tokens or --sae-batch-size, or a GPU (--device webgpu)",
  );
}
