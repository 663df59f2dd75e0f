import { gzipSync } from "node:zlib";
import { readTexts } from "@dictlearn/corpus";
import { bytesOf, jsonTokens, oddCopy, oddJson, textOf } from "../json.js";
import { recorded } from "../oracles.js";
import { shardOf } from "./texts.js";

const shards = [
  shardOf("a.jsonl", bytesOf('{"text":"one"}\n{"text":"two"}\n{"text":"three"}\n')),
  shardOf("b.txt.gz", new Uint8Array(gzipSync("one\ntwo\n"))),
  shardOf("c.txt.zst", recorded("corpus/lines.txt.zst")),
  shardOf("d.parquet", recorded("corpus/utf8.parquet")),
  shardOf("e.csv", bytesOf("text\none\ntwo\n")),
];
const shuffle = { window: 2, order: (n) => Uint32Array.from({ length: n }, (_, i) => i) };
const [plain, shuffled] = await Promise.all([cursorsOf(), cursorsOf(shuffle)]);

async function cursorsOf(order) {
  const all = [];
  for await (const { cursor } of readTexts(shards, { shuffle: order })) all.push(cursor);
  return all;
}

/** The place in a corpus that a saved run has. */
export const cursors = {
  name: "cursors",
  seeds: [...plain.slice(0, 6), ...plain.slice(-4), ...shuffled.slice(0, 3)].map((cursor) => bytesOf(JSON.stringify(cursor))),
  tokens: jsonTokens,
  make: (random) => bytesOf(oddJson(oddCopy(random.pick(random.below(3) === 0 ? shuffled : plain), random), random)),
  async read(bytes) {
    let cursor;
    try {
      cursor = JSON.parse(textOf(bytes));
    } catch {
      cursor = null;
    }
    let left = 3;
    for await (const { text } of readTexts(shards, { cursor, ...(cursor?.shuffle && { shuffle }) })) {
      if (typeof text !== "string") throw new Error("a text that is none");
      if (--left === 0) break;
    }
  },
};
