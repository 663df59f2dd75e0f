import { crc32 } from "node:zlib";

/** A zip of stored members with the least that a reader needs. */
export function storedZip(members) {
  const file = [];
  const directory = [];
  const u16 = (value) => [value & 255, value >> 8];
  const u32 = (value) => [...u16(value & 0xffff), ...u16(value >>> 16)];
  for (const [name, data] of Object.entries(members)) {
    const letters = [...new TextEncoder().encode(name)];
    const zeros = (n) => Array(n).fill(0);
    const common = [...u16(20), ...zeros(8), ...u32(crc32(data)), ...u32(data.length), ...u32(data.length), ...u16(letters.length), ...u16(0)];
    directory.push(0x50, 0x4b, 1, 2, ...u16(20), ...common, ...zeros(10), ...u32(file.length), ...letters);
    file.push(0x50, 0x4b, 3, 4, ...common, ...letters);
    for (const value of data) file.push(value);
  }
  const count = u16(Object.keys(members).length);
  return Uint8Array.from([...file, ...directory, 0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...count, ...count, ...u32(directory.length), ...u32(file.length), 0, 0]);
}
