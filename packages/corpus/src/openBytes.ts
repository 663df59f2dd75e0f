import type { Piece } from "./compression.js";
import { compressionOf } from "./compressions.js";
import { concat } from "./concat.js";
import { CorpusError } from "./corpusError.js";
import type { Place } from "./cursor.js";
import type { Reading } from "./format.js";
import type { Shard } from "./shard.js";

/** The bytes of a shard behind a place, decompressed; a byte order mark at the start is left out. */
export async function* openBytes(shard: Shard, { at, skip }: Pick<Place, "at" | "skip">, nearEnd: Reading["nearEnd"] = () => {}): AsyncGenerator<Piece> {
  const compression = compressionOf(shard.name);
  if (compression ? at > shard.byteLength : at > 0 || skip > shard.byteLength) throw beyond(shard.name);
  const pieces = compression
    ? after(skip, compression.decompress(watched(shard, at, nearEnd), at, shard.name), shard.name)
    : plain(shard, skip, nearEnd);
  yield* at === 0 && skip === 0 ? withoutMark(pieces) : pieces;
}

async function* plain(shard: Shard, skip: number, nearEnd: () => void): AsyncGenerator<Piece> {
  for await (const chunk of watched(shard, skip, nearEnd)) {
    // A shard in memory may come as one chunk: its texts are made bit by bit all the same.
    for (let from = 0; from < chunk.length; from += largestPiece) {
      const bytes = chunk.subarray(from, from + largestPiece);
      yield { bytes, at: 0, skip };
      skip += bytes.length;
    }
  }
}

const largestPiece = 2 ** 18; // bytes
const near = 2 ** 20; // bytes

async function* watched(shard: Shard, from: number, nearEnd: () => void): AsyncGenerator<Uint8Array> {
  let left = shard.byteLength - from;
  let told = false;
  for await (const chunk of shard.stream(from)) {
    left -= chunk.length;
    if (!told && left <= near) {
      told = true;
      nearEnd();
    }
    yield chunk;
  }
  if (left > 0) throw new CorpusError("IO", `${shard.name}: expected ${shard.byteLength} bytes, got ${shard.byteLength - left}`, "fetch it again");
}

/** Without the first `skip` bytes. */
async function* after(skip: number, pieces: AsyncGenerator<Piece>, name: string): AsyncGenerator<Piece> {
  let left = skip;
  for await (const piece of pieces) {
    if (left < piece.bytes.length) yield left > 0 ? { ...piece, bytes: piece.bytes.subarray(left), skip: piece.skip + left } : piece;
    left = Math.max(0, left - piece.bytes.length);
  }
  if (left > 0) throw beyond(name);
}

/** A file may begin with U+FEFF, which says nothing in UTF-8. */
async function* withoutMark(pieces: AsyncGenerator<Piece>): AsyncGenerator<Piece> {
  let first: Piece | undefined; // at least as long as a mark, once it is let go
  let decided = false;
  for await (const piece of pieces) {
    if (decided) {
      yield piece;
      continue;
    }
    first = first ? { ...first, bytes: concat([first.bytes, piece.bytes]) } : piece;
    if (first.bytes.length < mark.length) continue;
    decided = true;
    const marked = mark.every((byte, i) => first!.bytes[i] === byte);
    yield marked ? { ...first, bytes: first.bytes.subarray(mark.length), skip: mark.length } : first;
  }
  if (first && !decided) yield first;
}

const mark = Uint8Array.of(0xef, 0xbb, 0xbf);

function beyond(name: string): CorpusError {
  return new CorpusError("FORMAT", `${name}: expected a cursor into it, got a place behind its end`, "start without the cursor");
}
