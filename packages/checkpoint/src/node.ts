import { open, type FileHandle } from "node:fs/promises";
import type { ByteSource } from "./byteSource.js";
import { CheckpointError } from "./error.js";

/** A file of which only the ranges asked for are read. Close it when the tensors have been read. */
export interface FileSource extends ByteSource {
  readonly name: string;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** @throws NOT_FOUND if there is no such file, IO if it cannot be read */
export async function fileSource(path: string): Promise<FileSource> {
  const handle = await open(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") throw new CheckpointError("NOT_FOUND", `${path}: expected a file, got none`);
    throw new CheckpointError("IO", `${path}: ${cause.message}`);
  });
  const status = await handle.stat();
  if (!status.isFile()) {
    await handle.close();
    throw new CheckpointError("IO", `${path}: expected a file, got a ${status.isDirectory() ? "directory" : "special file"}`);
  }
  const close = () => handle.close();
  const readInto = (bytes: Uint8Array, start: number) => readAll(handle, path, bytes, start);
  return {
    name: path,
    byteLength: status.size,
    async slice(start, end) {
      const bytes = new Uint8Array(end - start);
      await readInto(bytes, start);
      return bytes.buffer;
    },
    readInto,
    close,
    [Symbol.asyncDispose]: close,
  };
}

const largestRead = 2 ** 30; // one read(2) gives 2 GiB at most

async function readAll(handle: FileHandle, path: string, bytes: Uint8Array, start: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes.length - at, largestRead);
    const { bytesRead } = await handle.read(bytes, at, length, start + at).catch((cause: Error) => {
      throw new CheckpointError("IO", `${path}: ${cause.message}`);
    });
    if (bytesRead === 0)
      throw new CheckpointError("IO", `${path}: expected bytes ${start} to ${start + bytes.length}, got the end of the file at ${start + at}`);
    at += bytesRead;
  }
}
