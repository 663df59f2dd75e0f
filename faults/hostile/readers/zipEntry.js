import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync } from "node:zlib";
import { extractEntry, locateEntry } from "../../../packages/hub/dist/zipEntry.js";
import { bytesOf } from "../json.js";
import { magic } from "../mutate.js";
import { storedZip } from "../storedZip.js";
import { recordedIn } from "../oracles.js";

const names = ["a/b.pt", "b.pt", "../b.pt", "/b.pt", "..\\b.pt", "C:\\b.pt", "a\0b", "", "a/", "x".repeat(300), "a/b.pt"];

/** A zip on the Hub, of which one entry is located by ranges and unpacked to a file; nothing else may appear. */
export function openZipEntry() {
  const folder = mkdtempSync(join(tmpdir(), "zip-"));
  const bomb = deflated(Buffer.alloc(2 ** 20));
  return {
    name: "zipEntry",
    seeds: [...recordedIn("hub/zips/", /\.zip$/, 8000), storedZip({ "a/b.pt": bytesOf("0123456789"), "c.json": bytesOf("{}") }), bomb],
    tokens: ["PK\x01\x02", "PK\x03\x04", "PK\x05\x06", "PK\x06\x06", "PK\x06\x07", "\x01\x00\x10\x00"].map((text) => Uint8Array.from(text, (character) => character.charCodeAt(0))).concat(names.map(bytesOf)),
    make(random) {
      const one = random.pick(names);
      const other = random.below(3) === 0 ? one : random.pick(names);
      const bytes = random.below(3) === 0 ? Uint8Array.from(bomb) : storedZip({ [one]: bytesOf("0123456789"), [`${other}${random.below(2) === 0 ? "/b.pt" : ""}`]: bytesOf("x".repeat(random.below(40))) });
      const view = new DataView(bytes.buffer);
      const directory = view.getUint32(bytes.length - 6, true);
      const [at, wide] = random.pick([[6, 2], [8, 2], [14, 4], [18, 4], [22, 4], [26, 2], [28, 2], [directory + 8, 2], [directory + 10, 2], [directory + 16, 4], [directory + 20, 4], [directory + 24, 4], [directory + 28, 2], [directory + 42, 4], [bytes.length - 12, 2], [bytes.length - 10, 4], [bytes.length - 6, 4]]);
      if (at + wide > bytes.length) return bytes;
      if (wide === 2) view.setUint16(at, random.pick(magic), true);
      else view.setUint32(at, random.pick(magic), true);
      return bytes;
    },
    async read(bytes) {
      const source = { name: "x.zip", byteLength: bytes.length, slice: async (start, end) => bytes.slice(start, end).buffer };
      const extracting = locateEntry(source, "b.pt").then((place) => extractEntry([bytes.subarray(place.start, place.end)], place, join(folder, "b.pt")));
      const refusal = await extracting.then(() => undefined, (error) => error);
      const left = readdirSync(folder);
      if (left.some((name) => name !== "b.pt")) throw new Error(`files left: ${left}`);
      if (refusal) throw refusal;
    },
    close: () => rmSync(folder, { recursive: true }),
  };
}

/** One entry that is compressed a thousandfold. */
function deflated(content) {
  const packed = new Uint8Array(deflateRawSync(content));
  const bytes = storedZip({ "a/b.pt": packed });
  const view = new DataView(bytes.buffer);
  const directory = view.getUint32(bytes.length - 6, true);
  for (const [at, method, crc, size] of [[0, 8, 14, 22], [directory, 10, 16, 24]]) {
    view.setUint16(at + method, 8, true);
    view.setUint32(at + crc, crc32(content), true);
    view.setUint32(at + size, content.length, true);
  }
  return bytes;
}
