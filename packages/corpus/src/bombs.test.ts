import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { readTexts } from "./index.js";

/** Reads some texts, and says how much memory that took: the least of some times, since garbage of streams counts until it is collected. */
async function taken(name: string, content: Uint8Array | string, most = Infinity): Promise<{ bytes: number; outcome: unknown }> {
  let least = await takenOnce(name, content);
  for (let times = 1; times < 4 && least.bytes >= most; times++) {
    const again = await takenOnce(name, content);
    if (again.bytes < least.bytes) least = again;
  }
  return least;
}

async function takenOnce(name: string, content: Uint8Array | string): Promise<{ bytes: number; outcome: unknown }> {
  const shard = countedShard(name, content, 65_536);
  const before = process.memoryUsage();
  let left = 50;
  const outcome = await (async () => {
    for await (const { text } of readTexts([shard])) if (left-- === 0) return text.slice(0, 10);
    return "all";
  })().catch((error: unknown) => error);
  const after = process.memoryUsage();
  return { bytes: after.heapUsed + after.external - before.heapUsed - before.external, outcome };
}

const million = 1_000_000;
const MiB = 2 ** 20;

describe("JSON that would take ten times its bytes and more", () => {
  test.each([
    ["an array of empty arrays", "a.json", `[${"[],".repeat(2 * million)}[]]`],
    ["an array of empty objects", "a.json", `[${"{},".repeat(2 * million)}{}]`],
    ["an element of empty objects", "a.json", `[{"text":"x","rest":[${"{},".repeat(2 * million)}{}]}]`],
    ["a line of empty objects", "a.jsonl", `{"text":"x","rest":[${"{},".repeat(2 * million)}{}]}`],
    ["a line of a depth of a million", "a.jsonl", "[".repeat(million)],
    ["an array of a depth of a million", "a.json", "[".repeat(million)],
    ["objects of a depth of a million", "a.json", `[${'{"text":'.repeat(million)}`],
  ])("%s is refused before it does", async (_, name, content) => {
    const most = 16 * MiB + 10 * content.length;
    const { bytes, outcome } = await taken(name, content, most);
    expect(outcome).toMatchObject({ name: "CorpusError", code: "FORMAT" });
    expect(bytes).toBeLessThan(most);
  });

  test("a row of many is read while it is short of that", async () => {
    expect((await taken("a.jsonl", `{"text":"x","rest":[${"{},".repeat(million / 2)}{}]}`)).outcome).toBe("all");
    expect((await taken("a.jsonl", JSON.stringify({ text: "{[".repeat(million) }))).outcome).toBe("all"); // in a text they are letters
  });
});

describe("a file that unpacks to a thousand times its bytes takes no more memory than its text needs at a time", () => {
  test.each([
    ["gzip of short lines", "a.txt.gz", gzipSync(Buffer.alloc(40 * MiB, "x\n")), 64],
    ["gzip of one line of 65 MiB", "a.txt.gz", gzipSync(Buffer.alloc(65 * MiB, "x")), 3 * 65],
    ["gzip of one JSON array of 129 MiB", "a.json.gz", gzipSync(Buffer.concat([Buffer.from("["), Buffer.alloc(129 * MiB, " ")])), 140],
    ["zstd of one byte, 16,000 times 128 KiB", "a.txt.zst", zstdOfOneByte(16_000), 3 * 64 + 8],
    ["zstd of empty blocks", "a.txt.zst", Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, ...Array.from({ length: 20_000 }, () => [0, 0, 0]).flat(), 1, 0, 0]), 16],
  ])("%s", async (_, name, content, mebibytes) => {
    const most = mebibytes * MiB + 10 * content.length;
    const { bytes, outcome } = await taken(name, content, most);
    expect(typeof outcome === "string" || (outcome as { name: string }).name === "CorpusError").toBe(true);
    expect(bytes).toBeLessThan(most);
  });
});

/** A frame of blocks that each stand for 128 KiB of one letter in four bytes. */
function zstdOfOneByte(blocks: number): Uint8Array {
  const block = (last: number) => { const head = (131_072 << 3) | 2 | last; return [head & 255, (head >> 8) & 255, (head >> 16) & 255, 120]; };
  return Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x58, ...Array.from({ length: blocks }, (_, i) => block(Number(i === blocks - 1))).flat()]);
}
