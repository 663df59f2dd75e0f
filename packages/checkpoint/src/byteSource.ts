import { CheckpointError } from "./error.js";

/** Anything that gives byte ranges: a file, a buffer, HTTP range requests. */
export interface ByteSource {
  readonly byteLength: number;
  /** What error messages call it, such as `ae.pt`. */
  readonly name?: string;
  /** @returns a buffer of its own, end - start bytes long */
  slice(start: number, end: number): Promise<ArrayBuffer>;
  /** Fills `bytes` with those from `start` on: only of a source for which many small reads cost little. */
  readInto?(bytes: Uint8Array, start: number): Promise<void>;
}

/** A checkpoint that is already in memory. Slices are copies, so what is read may be kept or changed. */
export function memorySource(bytes: ArrayBuffer | Uint8Array, name?: string): ByteSource {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  return {
    byteLength: view.byteLength,
    name,
    slice: async (start, end) => new Uint8Array(view.subarray(start, end)).buffer,
  };
}

export function nameOf(source: ByteSource): string {
  return source.name ?? "checkpoint";
}

/** Bytes [start, end) of a source, all of them. @throws IO if the source gives another number of bytes */
export async function readRange(source: ByteSource, start: number, end: number): Promise<ArrayBuffer> {
  const bytes = await source.slice(start, end);
  if (bytes.byteLength !== end - start)
    throw new CheckpointError("IO", `${nameOf(source)}: expected ${end - start} bytes at ${start}, got ${bytes.byteLength}`);
  return bytes;
}
