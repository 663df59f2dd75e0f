import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { countedShard } from "../testing/countedShard.js";
import { readTexts } from "./index.js";
import { checkFrames } from "./zstd.js";

const recorded = (name: string) => Uint8Array.from(readFileSync(new URL(`../../../oracles/corpus/${name}`, import.meta.url)));

test.each(["frames.jsonl.zst", "lines.txt.zst", "pile.jsonl.zst"])("what zstd itself wrote, %s, is let through", (name) => expect(() => checkFrames(recorded(name))).not.toThrow());

/** A frame of one compressed block. */
const frame = (...block: number[]) => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, 0x60, 0xff, 0xff, ((block.length << 3) | 5) & 255, block.length >> 5, block.length >> 13, ...block]);
const longRuns = [0x54, 34, 20, 51]; // of all kinds one code: 32 KiB of literals and of a match
const one = (log: number) => [log - 5, 0xf0, 0xff, 0x07]; // a table of 2^log states with a single symbol

test.each([
  ["sequences that stand for gigabytes", frame(0x00, 0xff, 0xff, 0xff, ...longRuns, 1)],
  ["sequences without their bits", frame(0x00, 0x80 | 100, 0, 0, 1)],
  ["a table that was never given", frame(0x00, 1, 0xfc, 1)],
  ["weights that never end", frame(0x02 | 0x40, 0x00, 0x02, 6, ...one(5).slice(0, 3), 0, 0, 1, 1, 0)],
  ["more literals than a block may have", frame(0x0d, 0xff, 0xff, 97, 0)],
  ["a code that there is not", frame(0x00, 1, 0x54, 40, 0, 0, 0xff, 0xff)],
])("%s: refused at once", async (_, bytes) => {
  const read = async () => { for await (const text of readTexts([countedShard("a.txt.zst", bytes)])) void text; };
  await expect(read()).rejects.toMatchObject({ name: "CorpusError", code: "FORMAT", message: expect.stringContaining("with a fault") });
});
