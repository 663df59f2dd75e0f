import { compressors as libraries } from "hyparquet-compressors";
import { parquetHeader } from "hyparquet/src/column.js";
import { deltaBinaryUnpack } from "hyparquet/src/delta.js";
import { readRleBitPackedHybrid } from "hyparquet/src/encoding.js";
import { readVarInt } from "hyparquet/src/thrift.js";
import { decompress } from "fzstd";
import { checkFrames } from "./zstd.js";

// The library allocates what a file says of itself: lists, pages and runs of two milliards. Here is looked at what it says, first.

/** Of one column in one row group: bytes, decompressed, and rows. */
export const largestColumn = 2 ** 30;
export const mostRows = 2 ** 23;

/** As the library's, but of zstd: as much as the page says, not as much as the frame says, and no block that takes for ever. */
export const compressors: typeof libraries = {
  ...libraries,
  ZSTD(input, length) {
    checkFrames(input);
    return decompress(input, new Uint8Array(length));
  },
};

interface Reader {
  view: DataView;
  offset: number;
}

const deepest = 24;

/**
 * Passes over a struct of Thrift's compact protocol, in which a list can't have more elements than bytes are left.
 * @throws Error for one that does, is cut off or too deep
 * @see https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 */
export function checkThrift(reader: Reader, depth = 0): void {
  const { view } = reader;
  if (depth > deepest) throw new Error("metadata nested too deeply");
  for (;;) {
    const byte = view.getUint8(reader.offset++);
    const type = byte & 15;
    if (type === 0) return;
    if (byte >> 4 === 0) readVarInt(reader);
    passElement(reader, type, depth);
  }
}

function passElement(reader: Reader, type: number, depth: number): void {
  const { view } = reader;
  const left = () => view.byteLength - reader.offset;
  if (type === 3) reader.offset++;
  else if (type >= 4 && type <= 6) while (view.getUint8(reader.offset++) & 0x80); // a number
  else if (type === 7) reader.offset += 8;
  else if (type === 8) {
    const length = readVarInt(reader);
    if (length < 0 || length > left()) throw new Error(`a text of ${length} bytes in ${left()}`);
    reader.offset += length;
  } else if (type === 9) {
    const head = view.getUint8(reader.offset++);
    const size = head >> 4 === 15 ? readVarInt(reader) : head >> 4;
    const of = head & 15;
    if (size < 0 || size > left()) throw new Error(`a list of ${size} in ${left()} bytes`);
    if (depth > deepest) throw new Error("metadata nested too deeply");
    for (let i = 0; i < size; i++) passElement(reader, of <= 2 ? 3 : of, depth + 1);
  } else if (type === 12) checkThrift(reader, depth + 1);
  else if (type > 2) throw new Error(`metadata of type ${type}`);
}

/** What a column chunk's pages have been found to hold. */
export class PageCheck {
  #bytes = 0;
  #rows = 0;

  /** @param optional levels of the column's path that may be null */
  constructor(
    readonly codec: string,
    readonly optional: number,
  ) {}

  /**
   * Looks through pages, one after another, before the library decodes them.
   * @throws Error for a page that claims more than the bounds, or runs that are longer than it
   */
  pages(bytes: ArrayBuffer): void {
    const reader = { view: new DataView(bytes), offset: 0 };
    while (reader.offset < bytes.byteLength - 1) {
      checkThrift({ ...reader });
      const header = parquetHeader(reader);
      const { uncompressed_page_size: size, compressed_page_size: packed } = header;
      const body = header.data_page_header ?? header.data_page_header_v2 ?? header.dictionary_page_header;
      const count = body?.num_values ?? 0;
      if (!(packed >= 0 && packed <= bytes.byteLength - reader.offset)) throw new Error(`a page of ${packed} bytes in ${bytes.byteLength - reader.offset}`);
      if (!(count >= 0 && (this.#rows += header.dictionary_page_header ? 0 : count) <= mostRows && count <= mostRows)) throw new Error(`more than ${mostRows} rows in a row group`);
      if (!(size >= 0 && (this.#bytes += size) <= largestColumn)) throw new Error(`pages of more than ${largestColumn} bytes in a row group`);
      const page = new Uint8Array(bytes, reader.offset, packed);
      reader.offset += packed;
      if (header.data_page_header) this.#values(this.#unpacked(page, size), count, header.data_page_header.encoding, undefined);
      if (header.data_page_header_v2) {
        const { definition_levels_byte_length: levels, repetition_levels_byte_length: repeats, encoding, is_compressed: isPacked, num_nulls: nulls } = header.data_page_header_v2;
        if (!(repeats === 0 && levels >= 0 && levels <= page.length && nulls >= 0 && nulls <= count)) throw new Error("levels that are longer than their page");
        if (this.optional > 0) runs(page.subarray(0, levels), bitsOf(this.optional), count);
        const packedValues = page.subarray(levels);
        this.#values(isPacked === false ? packedValues : this.#unpacked(packedValues, size - levels), count - nulls, encoding, 0);
      }
    }
  }

  #unpacked(page: Uint8Array, size: number): Uint8Array {
    const unpack = compressors[this.codec as keyof typeof compressors];
    return unpack && size >= 0 ? unpack(page, size) : page;
  }

  /** @param levels bytes before the values; undefined: they begin with the levels and their length */
  #values(page: Uint8Array, count: number, encoding: string, levels: number | undefined): void {
    let at = levels ?? 0;
    if (levels === undefined && this.optional > 0) {
      const length = new DataView(page.buffer, page.byteOffset, page.length).getUint32(0, true);
      at = 4 + length;
      if (at > page.length) throw new Error("levels that are longer than their page");
      const width = bitsOf(this.optional);
      runs(page.subarray(4, at), width, count);
      const defined: number[] = Array.from({ length: count });
      readRleBitPackedHybrid({ view: new DataView(page.buffer, page.byteOffset, at), offset: 4 }, width, defined, length);
      count = defined.reduce((sum, level) => sum + Number(level === this.optional), 0);
    }
    const values = page.subarray(at);
    if (encoding === "PLAIN" && 4 * count > values.length) throw new Error(`${count} texts in ${values.length} bytes`);
    if (encoding.endsWith("_DICTIONARY") && count > 0 && values[0] > 0) runs(values.subarray(1), values[0], count);
    if (encoding === "DELTA_BYTE_ARRAY" || encoding === "DELTA_LENGTH_BYTE_ARRAY") this.#lengths(values, count, encoding === "DELTA_BYTE_ARRAY" ? 2 : 1);
  }

  /** Lengths of texts, and before them, where texts begin as those before do, how long that is. */
  #lengths(values: Uint8Array, count: number, lists: number): void {
    const reader = { view: new DataView(values.buffer, values.byteOffset, values.length), offset: 0 };
    for (let list = 0; list < lists; list++) {
      const lengths = new Int32Array(count);
      deltaBinaryUnpack(reader, count, lengths);
      for (const length of lengths) if (length < 0 || (this.#bytes += length) > largestColumn) throw new Error(`texts of more than ${largestColumn} bytes in a row group`);
    }
  }
}

const bitsOf = (value: number) => 32 - Math.clz32(value);

/** Looks through runs of numbers (RLE and bit-packed) for one that is longer than its page. */
function runs(bytes: Uint8Array, width: number, count: number): void {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), offset: 0 };
  for (let seen = 0; seen < count && reader.offset < bytes.length; ) {
    const head = readVarInt(reader);
    const length = head & 1 ? (head >>> 1) * 8 : head >>> 1;
    if (length > count + 512) throw new Error(`a run of ${length} in a page of ${count}`);
    reader.offset += head & 1 ? (length / 8) * width : (width + 7) >> 3;
    seen += length;
  }
}
