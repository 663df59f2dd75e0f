import { type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, test } from "vitest";
import { rowOffsets, topOfBatch } from "./topOfBatch.js";

const small = await webgpuDevice({ bindingBytes: 4096 });
const NEGATIVE_NAN = new Float32Array(Uint32Array.of(0xffc00000).buffer)[0];

/** The pick of two tiles, one after the other, of `split` rows and the rest. */
const pick = (n: number, B: number) => (...tiles: Tensor[]) => {
  const { device } = tiles[0];
  let picked = { row: device.zeros([0], "u32"), column: device.zeros([0], "u32"), values: device.zeros([0]) };
  let at = 0;
  for (const tile of tiles) {
    picked = topOfBatch(tile, picked, { n, at });
    at += tile.shape[0];
  }
  return [picked.row, picked.column, picked.values, rowOffsets(picked.row, { B })];
};
const tilesOf = (x: Float32Array, B: number, F: number, split: number): Input[] => [[x.slice(0, split * F), [split, F]], [x.slice(split * F), [B - split, F]]];

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("topOfBatch on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [1, 1, 1, 1],
    [3, 2, 4, 1],
    [7, 5, 7, 3],
    [66, 17, 300, 65],
    [5, 1025, 155, 2],
    [40, 259, 900, 8], // past a part of 4,096
    [3, 7, 21, 1], // all
    [4, 9, 30, 3], // fewer in the first tile
  ])("f32[%i,%i], the %i largest, %i rows first: with equals, zeros, infinities and NaN", async (B, F, n, split) => {
    const odd = [0, -0, -1, 1e-45, 1e-38, 3e38, Infinity, -Infinity, NaN, NEGATIVE_NAN];
    const x = seededNormal(B + F, B * F).map((v, i) => ((i * 7) % 29 === 0 ? odd[(i * 3) % 10] : Math.round(v * 20) / 20));
    await expectReference(device!, tilesOf(x, B, F, split), pick(n, B));
    await expectReference(device!, tilesOf(seededNormal(F, B * F), B, F, split), pick(n, B));
    await expectReference(device!, tilesOf(seededNormal(F, B * F).map((v) => v - 3), B, F, split), pick(n, B));
  });
});

describe.each((await devices()).filter(({ device }) => device?.kind === "cpu"))("topOfBatch on $name", ({ device }) => {
  test("more than one part of 65,536", async () => {
    const [B, F] = [50, 4099];
    const x = seededNormal(1, B * F).map((v) => Math.round(v * 1000) / 1000);
    await expectReference(device!, tilesOf(x, B, F, 33), pick(2500, B));
  });
});
