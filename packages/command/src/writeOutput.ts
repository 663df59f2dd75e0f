import { atomicWriter } from "./atomicWriter.js";

export type Output = string | Uint8Array | Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/**
 * Writes a result where the person wants it: to `--out FILE`, whole or not at all, or to stdout, no faster than it is
 * read there.
 * @param file undefined or `-`: stdout
 */
export async function writeOutput(file: string | undefined, output: Output): Promise<void> {
  const chunks = typeof output === "string" || output instanceof Uint8Array ? [output] : output;
  if (file === undefined || file === "-") {
    for await (const chunk of chunks) await written(process.stdout, chunk);
    return;
  }
  await using writer = await atomicWriter(file);
  for await (const chunk of chunks) await writer.write(chunk);
  await writer.commit();
}

function written(stream: NodeJS.WritableStream, chunk: string | Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => stream.write(chunk, (error) => (error ? reject(error) : resolve())));
}
