import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import type { Compression } from "./compression.js";
import { CorpusError } from "./corpusError.js";

/**
 * gzip, with any number of members (RFC 1952). Where a member ends is known only once it is inflated, so a place counts
 * from the start of the file: to go on there, everything before it is read again.
 *
 * Node's own gunzip: it checks sizes and checksums, and takes members after the first, which `DecompressionStream`
 * refuses on newer versions of Node.
 */
export const gzip: Compression = {
  ending: ".gz",
  async *decompress(source, at, name) {
    let skip = 0;
    let unreadable: unknown; // an error of the source
    async function* compressed() {
      try {
        yield* source;
      } catch (error) {
        unreadable = error;
        throw error;
      }
    }
    const gunzip = createGunzip({ chunkSize: 2 ** 17 });
    const done = pipeline(compressed, gunzip).catch(() => {}); // the loop below throws the same error
    try {
      for await (const bytes of gunzip as AsyncIterable<Uint8Array>) {
        yield { bytes, at, skip };
        skip += bytes.length;
      }
    } catch (error) {
      if (unreadable !== undefined || !(error instanceof Error && "errno" in error && "code" in error)) throw error;
      const got = error.code === "Z_BUF_ERROR" ? "one that is cut off" : `one with a fault (${error.message})`;
      throw new CorpusError("FORMAT", `${name}: expected a whole gzip file, got ${got} after ${skip} bytes of text`, "fetch it again", { cause: error });
    } finally {
      gunzip.destroy();
      await done; // the source is closed by then
    }
  },
};
