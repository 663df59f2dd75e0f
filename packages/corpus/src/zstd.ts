import { Decompress } from "fzstd";
import { ByteReader } from "./byteReader.js";
import type { Compression, Piece } from "./compression.js";
import { CorpusError } from "./corpusError.js";
import { BlockCheck, largestBlock } from "./zstdGuard.js";

/**
 * Zstandard, with any number of frames. Frames and blocks say how long they are, so a place counts from the start of
 * its frame, and a block (at most 128 KiB of text) is decompressed when it is asked for. Checksums are not looked at.
 * @see RFC 8878, section 3
 */
export const zstd: Compression = {
  ending: ".zst",
  async *decompress(source, from, name) {
    const reader = new ByteReader(source);
    const cutOff = () => fault(name, "one that is cut off", from + reader.position);
    try {
      for (;;) {
        const at = from + reader.position;
        const head = await reader.peek(longestHeader);
        if (head.length === 0) return;
        if (head.length < 8) throw head.length >= 4 && !isFrame(head) && !isSkippable(head) ? foreign(name, head, at) : cutOff();
        if (isSkippable(head)) {
          if (!(await reader.skip(8 + uint(head, 4, 4)))) throw cutOff();
          continue;
        }
        if (!isFrame(head)) throw foreign(name, head, at);
        const { length, window, checksum, dictionary } = frameHeader(head);
        if (length > head.length) throw cutOff();
        if (dictionary) throw new CorpusError("UNSUPPORTED", `${name}: expected zstd without a dictionary, got one at byte ${at}`, "compress it without a dictionary");
        if (window > largestWindow) throw new CorpusError("UNSUPPORTED", `${name}: expected zstd with a window of at most ${largestWindow >> 20} MiB, got ${Math.ceil(window / 2 ** 20)} MiB`, "compress it without --ultra or --long=28 and more");

        let pieces: Uint8Array[] = [];
        const check = new BlockCheck();
        const frame = new Decompress((bytes) => pieces.push(bytes));
        let skip = 0;
        let header = length;
        for (let last = false; !last; header = 0) {
          const block = (await reader.peek(header + 3)).subarray(header);
          if (block.length < 3) throw cutOff();
          last = (block[0] & 1) === 1;
          const kind = (block[0] >> 1) & 3;
          const repeated = kind === 1; // one byte stands for all
          const size = header + 3 + (repeated ? 1 : uint(block, 0, 3) >> 3) + (last && checksum ? 4 : 0);
          const bytes = await reader.take(size);
          if (bytes.length < size) throw cutOff();
          pieces = [];
          try {
            if (uint(block, 0, 3) >> 3 > largestBlock) throw new Error(`a block of more than ${largestBlock} bytes`);
            if (kind === 2) check.block(bytes.subarray(header + 3, size - (last && checksum ? 4 : 0)));
            frame.push(bytes, last);
          } catch (error) {
            throw fault(name, `one with a fault (${(error as Error).message})`, from + reader.position, error);
          }
          for (const piece of pieces) {
            if (piece.length > 0) yield { bytes: piece, at, skip } satisfies Piece;
            skip += piece.length;
          }
        }
      }
    } finally {
      await reader.close();
    }
  },
};

/** Looks through whole frames in memory, for whoever hands them to the library. @throws Error */
export function checkFrames(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    const head = bytes.subarray(at, at + longestHeader);
    if (isSkippable(head)) {
      at += 8 + uint(head, 4, 4);
      continue;
    }
    if (!isFrame(head)) throw new Error("no zstd frame");
    const { length, checksum } = frameHeader(head);
    const check = new BlockCheck();
    at += length;
    for (let last = false; !last; ) {
      const block = uint(bytes, at, 3);
      if (Number.isNaN(block)) throw new Error("a frame that is cut off");
      const [kind, size] = [(block >> 1) & 3, block >> 3];
      last = (block & 1) === 1;
      if (size > largestBlock) throw new Error(`a block of more than ${largestBlock} bytes`);
      if (kind === 2) check.block(bytes.subarray(at + 3, at + 3 + size));
      at += 3 + (kind === 1 ? 1 : size);
    }
    if (checksum) at += 4;
  }
}

const longestHeader = 18; // bytes: magic 4, descriptor 1, window 1, dictionary 4, content size 8
const largestWindow = 2 ** 27; // bytes: what `zstd -d` takes without being asked to

const isFrame = (head: Uint8Array) => uint(head, 0, 4) === 0xfd2fb528;
const isSkippable = (head: Uint8Array) => uint(head, 0, 4) >>> 4 === 0x184d2a5;

/** @returns length of the header, and the window, in bytes */
function frameHeader(head: Uint8Array): { length: number; window: number; checksum: boolean; dictionary: boolean } {
  const descriptor = head[4];
  const single = (descriptor & 0x20) !== 0; // one segment: the window is the content
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3];
  const sizeFlag = descriptor >> 6;
  const sizeBytes = sizeFlag > 0 ? 1 << sizeFlag : Number(single);
  const length = 5 + Number(!single) + dictionaryBytes + sizeBytes;
  const contentSize = uint(head, length - sizeBytes, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
  const base = 2 ** (10 + (head[5] >> 3));
  const window = single ? contentSize : base + (base / 8) * (head[5] & 7);
  return { length, window, checksum: (descriptor & 4) !== 0, dictionary: uint(head, 5 + Number(!single), dictionaryBytes) !== 0 };
}

/** Little endian; NaN where the bytes end before. */
function uint(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = length - 1; i >= 0; i--) value = value * 256 + bytes[at + i];
  return value;
}

function fault(name: string, got: string, at: number, cause?: unknown): CorpusError {
  return new CorpusError("FORMAT", `${name}: expected a whole zstd file, got ${got} at byte ${at}`, "fetch it again", { cause });
}

function foreign(name: string, head: Uint8Array, at: number): CorpusError {
  const got = Array.from(head.subarray(0, 4), (byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return new CorpusError("FORMAT", `${name}: expected a zstd frame (28 b5 2f fd) at byte ${at}, got ${got}`, "fetch it again, or name it by its real format");
}
