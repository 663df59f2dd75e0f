import { openTexts } from "dictlearn";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as zlib from "node:zlib";

/**
 * English in rows of the Pile's form and of its lengths (a few hundred to tens of thousands of characters), from the demo's
 * addresses: JSON lines, compressed by zstd; by gzip where neither Node (22.15) nor the machine has that.
 * @returns its path
 */
export async function pileLike(folder, bytes) {
  const pack = { zst: zlib.zstdCompressSync ?? ((text) => execFileSync("zstd", ["-q", "-3", "-c"], { input: text, maxBuffer: 1 << 30 })), gz: zlib.gzipSync };
  const path = (ending) => join(folder, `pile-like-${bytes}.jsonl.${ending}`);
  const done = Object.keys(pack).map(path).find((path) => existsSync(path));
  if (done) return done;
  mkdirSync(folder, { recursive: true });
  const text = await lines(bytes);
  for (const [ending, compress] of Object.entries(pack))
    try {
      writeFileSync(`${path(ending)}.part`, compress(text));
      renameSync(`${path(ending)}.part`, path(ending));
      return path(ending);
    } catch (error) {
      if (ending === "gz") throw error;
    }
}

async function lines(bytes) {
  const addresses = [];
  for await (const { text } of openTexts("demo")) addresses.push(text);
  const rows = [];
  let state = 1;
  for (let size = 0, i = 0; size < bytes; i++) {
    const address = addresses[i % addresses.length];
    for (let at = 0; at < address.length && size < bytes; ) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const text = address.slice(at, (at += Math.round(300 * 100 ** (state / 2 ** 32)))); // 300 to 30,000, as many of each magnitude
      rows.push(JSON.stringify({ text, meta: { pile_set_name: "SOTU" } }));
      size += text.length;
    }
  }
  return Buffer.from(`${rows.join("\n")}\n`);
}
