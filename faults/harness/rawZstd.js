/** A zstd frame whose blocks are stored as they are (RFC 8878, §3.1). */
export function rawZstd(bytes) {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(bytes.length);
  const parts = [Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xa0]), size]; // magic; one segment, its size in four bytes
  for (let at = 0; at < bytes.length; at += 4096) {
    const block = bytes.subarray(at, at + 4096);
    const isLast = at + 4096 >= bytes.length;
    const header = Buffer.alloc(3);
    header.writeUIntLE((block.length << 3) | Number(isLast), 0, 3); // type 0: raw
    parts.push(header, block);
  }
  return Buffer.concat(parts);
}
