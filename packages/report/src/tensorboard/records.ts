import { crc32c } from "./crc32c.js";
import { concat } from "./protobuf.js";

// TFRecords: u64 length, its masked crc32c, the bytes, theirs; little-endian.
// https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details

/** So that the CRC of bytes that hold CRCs is of use. */
function masked(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export function record(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const [head, tail] = [new DataView(new ArrayBuffer(12)), new DataView(new ArrayBuffer(4))];
  head.setUint32(0, data.length, true); // records of 4 GiB and more are none of ours
  head.setUint32(8, masked(new Uint8Array(head.buffer, 0, 8)), true);
  tail.setUint32(0, masked(data), true);
  return concat([new Uint8Array(head.buffer), data, new Uint8Array(tail.buffer)]);
}

/** What whole and sound records hold, up to the first that is not: a process that is killed may leave one in part. */
export function* recordsIn(file: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  for (let at = 0; at + 16 <= file.length; ) {
    const length = view.getUint32(at, true);
    const data = file.subarray(at + 12, at + 12 + length);
    const end = at + 16 + length;
    if (end > file.length || view.getUint32(at + 4, true) !== 0 || masked(file.subarray(at, at + 8)) !== view.getUint32(at + 8, true) || masked(data) !== view.getUint32(end - 4, true)) return;
    yield data;
    at = end;
  }
}
