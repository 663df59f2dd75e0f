/**
 * CRC-32 as zip files have it (polynomial 0xedb88320, reflected), eight bytes at a time.
 * @param crc of the bytes before, where they come in parts
 */
export function crc32(bytes: Uint8Array, crc = 0): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3, t4, t5, t6, t7] = tables;
  let c = ~crc;
  let i = 0;
  for (; i + 8 <= bytes.length; i += 8) {
    c ^= bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24);
    c =
      t7[c & 255] ^ t6[(c >>> 8) & 255] ^ t5[(c >>> 16) & 255] ^ t4[c >>> 24] ^
      t3[bytes[i + 4]] ^ t2[bytes[i + 5]] ^ t1[bytes[i + 6]] ^ t0[bytes[i + 7]];
  }
  for (; i < bytes.length; i++) c = t0[(c ^ bytes[i]) & 255] ^ (c >>> 8);
  return ~c >>> 0;
}

let tables: Int32Array[] | undefined;

/** Table k: what a byte does to the CRC of k zero bytes after it. */
function makeTables(): Int32Array[] {
  const first = Int32Array.from({ length: 256 }, (_, c) => {
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c;
  });
  const all = [first];
  for (let k = 1; k < 8; k++) all.push(all[k - 1].map((c) => first[c & 255] ^ (c >>> 8)));
  return all;
}
