import { rotary } from "@dictlearn/kernels";
import { devices, expectReference, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("rotary on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    { N: 0, heads: 2, d: 4, dims: 2 },
    { N: 1, heads: 1, d: 2, dims: 2 },
    { N: 5, heads: 3, d: 7, dims: 6 },
    { N: 17, heads: 8, d: 64, dims: 16 },
    { N: 3, heads: 2, d: 80, dims: 20 },
    { N: 4, heads: 2, d: 5, dims: 0 },
  ])("$N rows of $heads heads of $d, $dims turned", async ({ N, heads, d, dims }) => {
    const x = seededNormal(N + d, N * heads * d);
    const positions = Uint32Array.from({ length: N }, (_, n) => (n * 641) % 2048);
    const largest = x.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
    // two products with cos and sin, each off by 4e-7 at most
    await expectReference(device!, [[x, [N, heads * d]], [positions, [N]]], (x, p) => rotary(x, p, { heads, dims, base: 10000 }), { absolute: 8e-7 * largest });
  });

  test.skipIf(skipped).each([10000, 500000, 1])("cos and sin are right to 4e-7 at every position to 2,047 and far beyond, base %i", async (base) => {
    const positions = Uint32Array.from({ length: 2048 + 12 }, (_, n) => (n < 2048 ? n : 2 ** (n - 2048 + 13) - 1));
    // x1 = 1 and x2 = 0 turn to cos and sin themselves
    const x = Float32Array.from({ length: positions.length * 16 }, (_, i) => (i % 16 < 8 ? 1 : 0));
    await expectReference(device!, [[x, [positions.length, 16]], [positions, [positions.length]]], (x, p) => rotary(x, p, { heads: 1, dims: 16, base }), { absolute: 4e-7 });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      const [x, positions] = [device!.zeros([4, 512]), device!.zeros([4], "u32")];
      expect(() => rotary(x, positions, { heads: 8, dims: 65, base: 10000 })).toThrow("rotary: expected dims even and at most 64, got 65 (x is f32[4,512], 8 heads)");
      expect(() => rotary(x, positions, { heads: 7, dims: 16, base: 10000 })).toThrow("rotary: expected x f32[N,D] with D a multiple of 7 heads, got f32[4,512]");
      expect(() => rotary(x, device!.zeros([3], "u32"), { heads: 8, dims: 16, base: 10000 })).toThrow("rotary: expected positions u32[4], got u32[3] (x is f32[4,512])");
    });
  });
});
