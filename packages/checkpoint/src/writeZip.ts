import { crc32 } from "./crc32.js";

/** A file for an archive. */
export interface ZipEntry {
  readonly name: string;
  readonly data: Uint8Array;
}

const alignment = 64; // torch maps tensors from the file where they stand so
const largestChunk = 2 ** 26; // one write(2) takes 2 GiB at most
const date = 0x0021; // 1 January 1980: the same bytes at any time
const utf8 = new TextEncoder();

/**
 * A zip archive of stored (not deflated) members, each member's data at a multiple of 64 bytes, as pieces to write one
 * after another. Data is handed on as it stands in memory, without a copy; it may not change until the last piece is out.
 * @param zip64From sizes and offsets from here on take zip64's 64-bit fields; lower it for tests only
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT §4.3
 */
export function* writeZip(entries: readonly ZipEntry[], zip64From = 0xffffffff): Generator<Uint8Array, void> {
  const directory: Uint8Array[] = [];
  let at = 0;
  for (const { name, data } of entries) {
    const member: Member = { name: utf8.encode(name), crc: crc32(data), size: data.length, offset: at };
    const header = localHeader(member, zip64From);
    directory.push(directoryRecord(member, zip64From));
    yield header;
    for (let start = 0; start < data.length; start += largestChunk) yield data.subarray(start, start + largestChunk);
    at += header.length + data.length;
  }
  yield* directory;
  const size = directory.reduce((sum, { length }) => sum + length, 0);
  yield endRecords(directory.length, size, at, zip64From);
}

interface Member {
  readonly name: Uint8Array;
  readonly crc: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly offset: number;
}

function localHeader({ name, crc, size, offset }: Member, zip64From: number): Uint8Array {
  const wide = size >= zip64From;
  const extra = wide ? fields([2, 1], [2, 16], [8, size], [8, size]) : new Uint8Array(0);
  const unpadded = offset + 30 + name.length + extra.length + 4; // an extra field has a head of 4 bytes
  const padding = (alignment - (unpadded % alignment)) % alignment;
  return joined(
    fields([4, 0x04034b50], ...common(wide, crc, size), [2, name.length], [2, extra.length + 4 + padding]),
    name,
    extra,
    fields([2, 0x4246], [2, padding]), // "FB", which torch pads with
    new Uint8Array(padding).fill(0x5a),
  );
}

function directoryRecord({ name, crc, size, offset }: Member, zip64From: number): Uint8Array {
  const wideSize = size >= zip64From;
  const wideOffset = offset >= zip64From;
  const wide: Field[] = [...(wideSize ? ([[8, size], [8, size]] as Field[]) : []), ...(wideOffset ? ([[8, offset]] as Field[]) : [])];
  const extra = wide.length > 0 ? fields([2, 1], [2, 8 * wide.length], ...wide) : new Uint8Array(0);
  return joined(
    fields([4, 0x02014b50], [2, 45], ...common(wideSize, crc, size)),
    fields([2, name.length], [2, extra.length], [2, 0], [2, 0], [2, 0], [4, 0], [4, wideOffset ? 0xffffffff : offset]),
    name,
    extra,
  );
}

/** What a member's two records share: version, flags (UTF-8 names), method, time, date, CRC, sizes. */
const common = (wide: boolean, crc: number, size: number): Field[] => {
  const shown = wide ? 0xffffffff : size;
  return [[2, wide ? 45 : 20], [2, 0x800], [2, 0], [2, 0], [2, date], [4, crc], [4, shown], [4, shown]];
};

function endRecords(count: number, size: number, offset: number, zip64From: number): Uint8Array {
  const wide = count >= 0xffff || size >= zip64From || offset >= zip64From;
  const [shownCount, shownSize, shownOffset] = wide ? [0xffff, 0xffffffff, 0xffffffff] : [count, size, offset];
  const end = fields([4, 0x06054b50], [2, 0], [2, 0], [2, shownCount], [2, shownCount], [4, shownSize], [4, shownOffset], [2, 0]);
  if (!wide) return end;
  const record = fields([4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count], [8, size], [8, offset]);
  const locator = fields([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]);
  return joined(record, locator, end);
}

type Field = readonly [bytes: 2 | 4 | 8, value: number];

/** Unsigned little-endian integers one after another. */
function fields(...all: Field[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(all.reduce((sum, [bytes]) => sum + bytes, 0)));
  let at = 0;
  for (const [bytes, value] of all) {
    if (bytes === 2) view.setUint16(at, value, true);
    else if (bytes === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += bytes;
  }
  return new Uint8Array(view.buffer);
}

function joined(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
