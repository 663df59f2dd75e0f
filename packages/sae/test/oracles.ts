import { existsSync, readFileSync } from "node:fs";
import { memorySource, openSafetensors, openTorch } from "@dictlearn/checkpoint";
import { type SparseFeatures } from "@dictlearn/kernels";
import { expectClose, oracle } from "@dictlearn/testing";

/** A recorded `.pt`: `openOracle("formats/dl/AutoEncoder/ae.pt")`. */
export const openOracle = (path: string) => openTorch(memorySource(new Uint8Array(readFileSync(oracle(path))), path));

/** A recorded JSON file, undefined where there is none. */
export const jsonOracle = (path: string) => (existsSync(oracle(path)) ? JSON.parse(readFileSync(oracle(path), "utf8")) : undefined);

/** Sparse features as f32[B,F]. */
export async function dense(features: Pick<SparseFeatures, "shape" | "read">): Promise<Float32Array> {
  const { rowStart, index, values } = await features.read();
  const [B, F] = features.shape;
  const all = new Float32Array(B * F);
  for (let b = 0; b < B; b++) for (let e = rowStart[b]; e < rowStart[b + 1]; e++) all[b * F + index[e]] = values[e];
  return all;
}

/** Within 1e-5 of the largest entry. */
export function expectNear(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  const largest = Array.from(expected).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  expectClose(actual, expected, { absolute: 1e-5 * largest });
}

/** Which entries are not 0. */
export const support = (values: ArrayLike<number>): number[] => Array.from(values).flatMap((value, i) => (value === 0 ? [] : [i]));

/** A recorded safetensors file. */
export const openSafetensorsOracle = (path: string) => openSafetensors(memorySource(new Uint8Array(readFileSync(oracle(path))), path));
