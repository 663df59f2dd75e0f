import { atLeast, firedFeatures, SparseFeatures, trackFiredInto, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, seededFeatures, seededUniform, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("silent features on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 3, 1],
    [1, 1, 1],
    [5, 300, 3],
    [31, 67, 2],
  ])("%i rows, %i features, up to %i a row: who fired, and who had a value > 0", async (B, F, most) => {
    await expectReference(device!, seededFeatures(1, B, F, most), (rowStart, index, values) => [true, false].map((positive) => firedFeatures(new SparseFeatures([B, F], rowStart, index, values), { positive })));
  });

  test.skipIf(skipped).each([1, 300, 8193])("%i counters: back to 0, on by n, and no further than they go", async (F) => {
    const counters: Input = [Uint32Array.from(seededUniform(1, F), (u, f) => (f % 7 === 0 ? 2 ** 32 - 5 : u * 1000)), [F]];
    const fired: Input = [Uint32Array.from(seededUniform(2, F), (u) => (u < 0.5 ? 1 : 0)), [F]];
    for (const n of [1, 400, 2 ** 32 - 1])
      await expectReference(device!, [counters, fired], (counters: Tensor, fired: Tensor) => {
        trackFiredInto(counters, fired, { n });
        return [counters, atLeast(counters, { least: 500 }), atLeast(counters, { least: 2 ** 32 - 1 })];
      });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => trackFiredInto(device!.zeros([4], "u32"), device!.zeros([5], "u32"), { n: 1 })).toThrow("trackFiredInto: expected fired u32[4], got u32[5] (counters is u32[4])");
    });
  });
});
