import { recorded } from "../oracles.js";
import { magic } from "../mutate.js";
import { readAs } from "./texts.js";

const files = ["utf8", "empty", "delta", "zstd", "gzip", "brotli", "datasets"].map((name) => recorded(`corpus/${name}.parquet`));

/** As Thrift's compact protocol has integers. */
function varint(value) {
  const bytes = [];
  let left = BigInt.asUintN(64, BigInt(value) << 1n);
  do {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    left >>= 7n;
  } while (left > 0n);
  return bytes;
}

/** Parquet, most changes where lengths and counts are: in the footer and the page headers. */
export const parquet = {
  name: "parquet",
  seeds: files,
  tokens: magic.map((value) => Uint8Array.from(varint(value))),
  make(random) {
    const bytes = Uint8Array.from(random.below(2) === 0 ? files[0] : random.pick(files));
    const footer = new DataView(bytes.buffer).getUint32(bytes.length - 8, true);
    const start = bytes.length - 8 - footer;
    for (let left = 1 + random.below(3); left > 0; left--) {
      const at = random.below(3) === 0 ? 4 + random.below(60) : start + random.below(footer);
      const value = varint(random.pick(magic));
      if (random.below(2) === 0) bytes.set(value.slice(0, Math.max(0, bytes.length - at)), at);
      else bytes[at] = random.below(256);
    }
    return bytes;
  },
  limit: 32 * 2 ** 20, // its libraries ask for half a MiB at once, and decompressors have tables
  read: (bytes) => readAs("a.parquet", bytes),
};
