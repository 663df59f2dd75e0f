import { gzipSync } from "node:zlib";
import { readTexts } from "@dictlearn/corpus";
import { bytesOf, jsonTokens, oddCopy, oddJson } from "../json.js";
import { recorded } from "../oracles.js";

/** A file in memory, in chunks. */
export function shardOf(name, bytes, chunk = 1000) {
  return {
    name,
    byteLength: bytes.length,
    async *stream(start = 0) {
      for (let at = start; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
    slice: async (start, end) => Uint8Array.from(bytes.subarray(start, end)).buffer,
  };
}

/** A file of a thousand bytes may hold a million texts; they come one by one, so that some say as much as all. */
const most = 2000;

export async function readAs(name, bytes, column = "text") {
  let left = most;
  for await (const { text } of readTexts([shardOf(name, bytes)], { column })) {
    if (typeof text !== "string") throw new Error("a text that is none");
    if (--left === 0) return;
  }
}

const head = (path, length) => recorded(path).subarray(0, length);
const row = { text: "a text\n", meta: { id: 1, set: "b" }, list: [1, [2]] };
const oddRow = (random) => oddJson(oddCopy(row, random), random);
const rows = (random, separator) => Array.from({ length: 1 + random.below(6) }, () => (random.below(3) === 0 ? '{"text":"fine"}' : oddRow(random))).join(separator);
const lineEnds = ["\n", "\r\n", "\r", "\ufeff", "\0"].map(bytesOf);
const badUtf8 = [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]].map((bytes) => Uint8Array.from(bytes));

export const jsonl = {
  name: "jsonl",
  seeds: [head("corpus/plain.jsonl", 1500), head("corpus/escaped.ndjson", 1500)],
  tokens: [...jsonTokens, ...lineEnds, ...badUtf8, bytesOf('{"text":"x"}\n')],
  make: (random) => bytesOf(rows(random, random.pick(["\n", "\n\n", "\r\n", " "]))),
  read: (bytes) => readAs("a.jsonl", bytes, bytes.length % 2 ? "text" : "meta.set"),
};

export const json = {
  name: "json",
  seeds: [head("corpus/lines.json", 1500), bytesOf('[{"text":"one","meta":{"set":"a"}},{"text":null},{"text":"three"}]')],
  tokens: [...jsonTokens, ...lineEnds, ...badUtf8],
  make: (random) => bytesOf(`${random.pick(["[", " [", "", "[["])}${rows(random, ",")}${random.pick(["]", "]]", "", "]\n"])}`),
  read: (bytes) => readAs("a.json", bytes, bytes.length % 2 ? "text" : "meta.set"),
};

const cells = ["", "a", '"a"', '"a""b"', '"', '""', '"a" ', ' "a"', '"a\nb"', "a\tb", "x".repeat(300), '"""', "text", "\ufeff"];
export const csv = {
  name: "csv",
  seeds: [head("corpus/rows.csv", 1200), head("corpus/rows.tsv", 1200), bytesOf("text\n"), bytesOf("id,text\n1,one\n")],
  tokens: [...lineEnds, ...badUtf8, ...[",", '"', '""', '",\n"', "text", `${",".repeat(500)}`, '"'.repeat(301)].map(bytesOf)],
  make: (random) => bytesOf(`id,text\n${Array.from({ length: 1 + random.below(12) }, () => Array.from({ length: random.below(4) === 0 ? random.below(5) : 2 }, () => random.pick(cells)).join(",")).join(random.pick(["\n", "\r\n", "\r"]))}`),
  read: (bytes) => readAs(bytes.length % 3 ? "a.csv" : "a.tsv", bytes),
};

export const text = {
  name: "text",
  seeds: [head("corpus/lines.txt", 800), bytesOf("one\ntwo\r\n\r\nthree")],
  tokens: [...lineEnds, ...badUtf8],
  read: (bytes) => readAs("a.txt", bytes),
};

const members = ["one\n", "", "x".repeat(5000), '{"text":"a"}\n'];
export const gzip = {
  name: "gzip",
  limit: 32 * 2 ** 20, // zlib's windows, and its output in pieces of 128 KiB
  seeds: [gzipSync("one\ntwo\n"), gzipSync("x\n".repeat(2000)), recorded("corpus/members.jsonl.gz").subarray(0, 1200), Buffer.concat([gzipSync("one\n"), gzipSync("two\n")])].map((bytes) => new Uint8Array(bytes)),
  tokens: [[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], [0x1f, 0x8b, 8, 0x1f, 0, 0, 0, 0, 0, 3], [0, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0xff, 0xff]].map((bytes) => Uint8Array.from(bytes)),
  make: (random) => new Uint8Array(Buffer.concat(Array.from({ length: 1 + random.below(3) }, () => gzipSync(random.pick(members)).subarray(0, random.below(4) === 0 ? random.below(40) : undefined)))),
  read: (bytes) => readAs("a.txt.gz", bytes),
};

const u = (value, length) => Array.from({ length }, (_, i) => Math.floor(value / 256 ** i) % 256);
const frameHead = (random) => [0x28, 0xb5, 0x2f, 0xfd, random.below(3) === 0 ? random.below(256) : random.pick([0x20, 0x00, 0x24, 0x60, 0xa0, 0xe0]), ...u(random.pick([4, 1, 0, 255, 2 ** 31, 0x58]), random.pick([1, 1, 2, 4, 8]))];
const block = (random) => {
  const type = random.below(4);
  const size = random.pick([0, 1, 4, 16, 131_071, 131_072, 2 ** 21 - 1]);
  return [...u(size * 8 + type * 2 + random.below(2), 3), ...Array.from({ length: random.below(2) === 0 ? Math.min(64, size) : random.below(8) }, () => random.below(256))];
};
export const zstd = {
  name: "zstd",
  limit: 136 * 2 ** 20, // of which 128 MiB are the largest window that a frame may ask for
  seeds: [recorded("corpus/lines.txt.zst"), recorded("corpus/pile.jsonl.zst").subarray(0, 2000), Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 4, 0x21, 0, 0, 97, 10, 98, 10])],
  tokens: [[0x28, 0xb5, 0x2f, 0xfd], [0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0], [0x50, 0x2a, 0x4d, 0x18, 0xff, 0xff, 0xff, 0xff], [0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], [0xfb, 0xff, 0x0f, 97]].map((bytes) => Uint8Array.from(bytes)),
  make: (random) => Uint8Array.from([...frameHead(random), ...Array.from({ length: 1 + random.below(4) }, () => block(random)).flat(), ...Array.from({ length: random.below(8) }, () => random.below(256))]),
  read: (bytes) => readAs("a.txt.zst", bytes),
};
