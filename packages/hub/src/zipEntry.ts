import { createReadStream } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { callbackify } from "node:util";
import { crc32, createInflateRaw } from "node:zlib";
import yauzl from "yauzl";
import type { RangeSource } from "./hub.js";
import { HubError } from "./hubError.js";
import { show } from "./names.js";

/** Where the bytes of an entry lie in the archive, and what they must be. */
export interface EntryPlace {
  name: string;
  start: number;
  end: number;
  deflated: boolean;
  size: number;
  crc32: number;
}

const mostEntries = 200_000;
const alwaysAllowed = 2 ** 26; // bytes
const largestGain = 32;

/**
 * Finds an entry: the directory at the archive's end, then the entry's own header.
 * @param name its path, or the end of its path where no other ends so
 * @throws HubError NOT_FOUND naming near entries; FORMAT for a directory that contradicts the archive; UNSUPPORTED
 */
export async function locateEntry(source: RangeSource, name: string): Promise<EntryPlace> {
  const subject = source.name;
  try {
    const reader = new SourceReader(source);
    const zip = await yauzl.fromRandomAccessReaderPromise(reader, source.byteLength, { autoClose: false, lazyEntries: true });
    const entries = new Map<string, yauzl.Entry>(); // of two of a name the later counts, as in Python
    for await (const entry of zip.eachEntry()) {
      if (!entry.fileName.endsWith("/")) entries.set(entry.fileName, entry);
      if (entries.size > mostEntries) throw new HubError("UNSUPPORTED", `${subject}: expected at most ${mostEntries} entries, got more`);
    }
    const names = [...entries.keys()];
    const ends = names.filter((one) => one.endsWith(`/${name}`));
    const found = entries.get(name) ?? (ends.length === 1 ? entries.get(ends[0]) : undefined);
    if (!found) throw new HubError("NOT_FOUND", `${subject}: expected entry ${show(name)}, got ${ends.length > 1 ? `${ends.length} that end so` : "none of that name"}`, `near ones: ${nearest(names, name).map(show).join(", ") || "none, it is empty"}`);
    if (found.isEncrypted()) throw new HubError("UNSUPPORTED", `${subject}!/${name}: expected an entry without a password, got an encrypted one`);
    if (found.compressionMethod !== 0 && found.compressionMethod !== 8)
      throw new HubError("UNSUPPORTED", `${subject}!/${name}: expected a stored or deflated entry, got method ${found.compressionMethod}`);
    const header = await zip.readLocalFileHeaderPromise(found);
    const start = header.fileDataStart;
    const end = start + found.compressedSize;
    const fault = !header.fileName.equals(found.fileNameRaw)
      ? "another name in the entry's header"
      : header.compressionMethod !== found.compressionMethod
        ? "another method in the entry's header"
        : end > source.byteLength || (found.compressionMethod === 0 && found.compressedSize !== found.uncompressedSize)
          ? "sizes that cannot be"
          : undefined;
    if (found.uncompressedSize > alwaysAllowed + largestGain * found.compressedSize)
      throw new HubError("FORMAT", `${subject}!/${name}: expected at most ${largestGain}-fold compression, got ${found.compressedSize} bytes for ${found.uncompressedSize}`, "weights do not compress so: it would fill the disk");
    if (fault) throw new HubError("FORMAT", `${subject}!/${name}: expected an entry as the zip's directory tells, got ${fault}`, "the archive is damaged");
    return { name: `${subject}!/${name}`, start, end, deflated: found.compressionMethod === 8, size: found.uncompressedSize, crc32: found.crc32 };
  } catch (error) {
    if (error instanceof HubError) throw error;
    throw new HubError("FORMAT", `${subject}: expected a zip, got ${show((error as Error).message)}`, "the archive is damaged or no zip", { cause: error });
  }
}

/**
 * Inflates an entry's bytes into `path`, checked by size and crc32, and in one step.
 * @throws HubError FORMAT; `path` is as it was
 */
export async function extractEntry(bytes: AsyncIterable<Uint8Array>, place: EntryPlace, path: string): Promise<void> {
  const aside = `${path}.incomplete`;
  let size = 0;
  let crc = 0;
  const wrong = (what: string, got: string) => new HubError("FORMAT", `${place.name}: expected ${what}, got ${got}`, "the archive is damaged, or bytes changed on the way");
  const check = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      size += chunk.length;
      crc = crc32(chunk, crc);
      if (size > place.size) next(wrong(`${place.size} bytes`, "more"));
      else next(null, chunk);
    },
  });
  try {
    const input = Readable.from(bytes, { objectMode: false });
    const output = (await open(aside, "w")).createWriteStream({ flush: true }); // it is there before anything can fail, so that it can be removed
    await (place.deflated ? pipeline(input, createInflateRaw(), check, output) : pipeline(input, check, output));
    if (size !== place.size) throw wrong(`${place.size} bytes`, String(size));
    if (crc !== place.crc32) throw wrong(`crc32 ${hex(place.crc32)}`, hex(crc));
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    if ((error as NodeJS.ErrnoException).code?.startsWith("Z_")) throw wrong("deflated bytes", show((error as Error).message));
    throw error;
  }
}

const hex = (n: number) => n.toString(16).padStart(8, "0");

/** Names with the most of the asked one's parts, its last name counting double. */
function nearest(names: string[], asked: string): string[] {
  const parts = asked.toLowerCase().split("/");
  const score = (name: string) => {
    const own = name.toLowerCase().split("/");
    return parts.filter((part) => own.includes(part)).length + (own.at(-1) === parts.at(-1) ? 1 : 0);
  };
  return names
    .map((name) => ({ name, score: score(name) }))
    .sort((a, b) => b.score - a.score)
    .slice(0, 5)
    .map(({ name }) => name);
}

/** yauzl reads through this. */
class SourceReader extends yauzl.RandomAccessReader {
  constructor(private readonly source: RangeSource) {
    super();
  }

  override read(buffer: Buffer, offset: number, length: number, position: number, callback: (error: Error | null) => void): void {
    callbackify(async () => {
      if (position < 0 || position + length > this.source.byteLength) throw new Error("an offset outside the archive");
      buffer.set(new Uint8Array(await this.source.slice(position, position + length)), offset);
    })(callback);
  }

  override _readStreamForRange(): Readable {
    throw new Error("streams are read elsewhere"); // only the directory and headers go through here
  }
}

/** An entry's bytes from a file on this machine. */
export function readPart(path: string, start: number, end: number): AsyncIterable<Uint8Array> {
  return start === end ? Readable.from([]) : createReadStream(path, { start, end: end - 1 });
}
