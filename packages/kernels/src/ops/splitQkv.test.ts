import { splitQkv, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("splitQkv on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [0, 2, 4],
    [1, 1, 1],
    [7, 3, 5],
    [17, 8, 64],
    [33, 2, 6],
  ])("%i rows of %i heads of %i", async (N, heads, d) => {
    const parts = (qkv: Tensor) => Object.values(splitQkv(qkv, { heads }));
    await expectReference(device!, [[seededNormal(N, N * 3 * heads * d), [N, 3 * heads * d]]], parts);
  });

  test.skipIf(skipped)("two heads of two columns, written out", async () => {
    const qkv = device!.tensor(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12), [1, 12]);
    const { q, k, v } = splitQkv(qkv, { heads: 2 });
    expect(await q.read()).toEqual(Float32Array.of(1, 2, 7, 8));
    expect(await k.read()).toEqual(Float32Array.of(3, 4, 9, 10));
    expect(await v.read()).toEqual(Float32Array.of(5, 6, 11, 12));
    for (const t of [qkv, q, k, v]) t.dispose();
  });

  test.skipIf(skipped)("columns that the heads do not share are an error", () => {
    device!.scope(() => {
      expect(() => splitQkv(device!.zeros([4, 100]), { heads: 8 })).toThrow("splitQkv: expected qkv f32[N,3*D] with D a multiple of 8 heads, got f32[4,100]");
      expect(() => splitQkv(device!.zeros([4, 24], "u32"), { heads: 8 })).toThrow("splitQkv: expected qkv f32[N,3*D], got u32[4,24]");
    });
  });
});
