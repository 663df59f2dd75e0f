import { nameOf, readRange, type ByteSource } from "./byteSource.js";
import { CheckpointError, formatError } from "./error.js";

/** One file in a zip archive. Sizes in bytes. */
export interface ZipMember {
  readonly name: string;
  readonly size: number;
  readonly packedSize: number;
  readonly deflated: boolean;
  readonly headerOffset: number;
}

const largestDirectory = 16 * 2 ** 20; // some 200,000 members
const largestGain = 8; // weights hardly compress; a bomb does, a thousand times
const alwaysAllowed = 4 * 2 ** 20;

/**
 * The central directory of a zip archive, zip64 included.
 * @throws FORMAT for what is not a zip, is cut off, or names a member twice; UNSUPPORTED for encryption and rare methods
 * @see https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT §4.3
 */
export async function readZipDirectory(source: ByteSource): Promise<Map<string, ZipMember>> {
  const { subject, directory, count, offset } = await findDirectory(source);
  const members = new Map<string, ZipMember>();
  for (let i = 0, at = 0; i < count; i++) {
    if (at + 46 > directory.byteLength || directory.getUint32(at, true) !== 0x02014b50)
      throw formatError(`${subject}: expected ${count} members in the zip directory, got ${i}`);
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((field) => directory.getUint16(at + field, true));
    const next = at + 46 + nameLength + extraLength + commentLength;
    if (next > directory.byteLength)
      throw formatError(`${subject}: expected ${next} bytes of zip directory, got ${directory.byteLength}`);
    const name = new TextDecoder().decode(new Uint8Array(directory.buffer, directory.byteOffset + at + 46, nameLength));
    const [size, packedSize, headerOffset] = wideFields(directory, at, nameLength, extraLength, `${subject}: ${name}`);

    const flags = directory.getUint16(at + 8, true);
    const method = directory.getUint16(at + 10, true);
    if (flags & 1) throw new CheckpointError("UNSUPPORTED", `${subject}: ${name}: expected plain data, got encrypted`);
    if (method !== 0 && method !== 8)
      throw new CheckpointError("UNSUPPORTED", `${subject}: ${name}: expected stored or deflated data, got zip method ${method}`);
    if (members.has(name)) throw formatError(`${subject}: expected each member once, got ${name} twice`);
    if (headerOffset + 30 + packedSize > offset || (method === 0 && size !== packedSize))
      throw formatError(`${subject}: ${name}: expected ${size} bytes inside the archive, got ${packedSize} at ${headerOffset} of ${offset}`);
    members.set(name, { name, size, packedSize, deflated: method === 8, headerOffset });
    at = next;
  }
  return members;
}

/** Where a member's own bytes begin. @throws FORMAT if it is not what the directory says */
export async function startOfMember(source: ByteSource, member: ZipMember): Promise<number> {
  const subject = `${nameOf(source)}: ${member.name}`;
  const header = new DataView(await readRange(source, member.headerOffset, member.headerOffset + 30));
  if (header.getUint32(0, true) !== 0x04034b50)
    throw formatError(`${subject}: expected a zip header at ${member.headerOffset}, got none`);
  const start = member.headerOffset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (start + member.packedSize > source.byteLength)
    throw formatError(`${subject}: expected ${member.packedSize} bytes, got the end of the file`);
  return start;
}

/**
 * Bytes [start, end) of a member. A stored member is read only there; a deflated one is inflated whole.
 * @throws FORMAT if it is not what the directory says, or claims to inflate to more than eightfold
 */
export async function readZipMember(source: ByteSource, member: ZipMember, start = 0, end = member.size): Promise<ArrayBuffer> {
  const subject = `${nameOf(source)}: ${member.name}`;
  const dataStart = await startOfMember(source, member);
  if (!member.deflated) return readRange(source, dataStart + start, dataStart + end);

  if (member.size > alwaysAllowed + largestGain * member.packedSize)
    throw formatError(
      `${subject}: expected at most eightfold compression, got ${member.packedSize} bytes for ${member.size}`,
      "save it with torch.save, which does not compress",
    );
  const packed = await readRange(source, dataStart, dataStart + member.packedSize);
  return (await inflate(new Uint8Array(packed), member.size, subject)).slice(start, end);
}

/** The directory's bytes, its number of members and its place in the file. */
async function findDirectory(source: ByteSource) {
  const subject = nameOf(source);
  const tailStart = Math.max(0, source.byteLength - 22 - 0xffff);
  const tail = new DataView(await readRange(source, tailStart, source.byteLength));
  let end = tail.byteLength - 22; // the end record is followed by its comment only
  while (end >= 0 && !(tail.getUint32(end, true) === 0x06054b50 && end + 22 + tail.getUint16(end + 20, true) === tail.byteLength)) end--;
  if (end < 0)
    throw formatError(`${subject}: expected a zip archive, got no directory at its end`, "the file may be cut off: fetch it again");

  let [count, size, offset] = [tail.getUint16(end + 10, true), tail.getUint32(end + 12, true), tail.getUint32(end + 16, true)];
  let limit = tailStart + end;
  if (count === 0xffff || size === 0xffffffff || offset === 0xffffffff) {
    if (end < 20 || tail.getUint32(end - 20, true) !== 0x07064b50)
      throw formatError(`${subject}: expected a zip64 locator, got none`);
    limit = getCount(tail, end - 12);
    if (limit + 56 > source.byteLength) throw formatError(`${subject}: expected a zip64 record inside the file, got it at ${limit}`);
    const record = new DataView(await readRange(source, limit, limit + 56));
    if (record.getUint32(0, true) !== 0x06064b50)
      throw formatError(`${subject}: expected a zip64 record at ${limit}, got none`);
    [count, size, offset] = [getCount(record, 32), getCount(record, 40), getCount(record, 48)];
  }
  if (offset + size > limit || size > largestDirectory)
    throw formatError(`${subject}: expected a zip directory of at most ${Math.min(limit, largestDirectory)} bytes, got ${size} at ${offset}`);
  return { subject, count, offset, directory: new DataView(await readRange(source, offset, offset + size)) };
}

/** Size, packed size and header offset of a directory entry; where a field is all ones, from its zip64 extra (§4.5.3). */
function wideFields(directory: DataView, at: number, nameLength: number, extraLength: number, subject: string): number[] {
  const fields = [24, 20, 42].map((field) => directory.getUint32(at + field, true));
  if (!fields.includes(0xffffffff)) return fields;
  const end = at + 46 + nameLength + extraLength;
  for (let extra = at + 46 + nameLength; extra + 4 <= end; extra += 4 + directory.getUint16(extra + 2, true)) {
    if (directory.getUint16(extra, true) !== 1) continue;
    let next = extra + 4;
    const extraEnd = Math.min(end, next + directory.getUint16(extra + 2, true));
    return fields.map((field) => {
      if (field !== 0xffffffff) return field;
      if (next + 8 > extraEnd) throw formatError(`${subject}: expected a 64-bit size in the zip64 field, got its end`);
      next += 8;
      return getCount(directory, next - 8);
    });
  }
  throw formatError(`${subject}: expected a zip64 field, got none`);
}

/** A 64-bit unsigned integer; from 2^53 on rounded, and so beyond any file. */
function getCount(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

async function inflate(packed: Uint8Array<ArrayBuffer>, size: number, subject: string): Promise<ArrayBuffer> {
  const out = new Uint8Array(size);
  let filled = 0;
  let fed = 0;
  const pieces = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      if (fed >= packed.length) return controller.close();
      controller.enqueue(packed.subarray(fed, fed + 4096)); // small, since a piece may inflate a thousandfold at once
      fed += 4096;
    },
  });
  const reader = pieces.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length > size) throw formatError(`${subject}: expected ${size} bytes, got more`);
      out.set(value, filled);
      filled += value.length;
    }
  } catch (cause) {
    reader.cancel().catch(() => {});
    if (cause instanceof CheckpointError) throw cause;
    throw formatError(`${subject}: expected deflated data, got ${(cause as Error).message}`);
  }
  if (filled !== size) throw formatError(`${subject}: expected ${size} bytes, got ${filled}`);
  return out.buffer;
}
