import { castF32, embedding } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const halves = Uint16Array.from({ length: 65536 }, (_, i) => i);
const small = await webgpuDevice({ bindingBytes: 1024 });

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 1 KiB` }])("embedding on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [1, 1, 1],
    [3, 0, 4],
    [7, 5, 3],
    [101, 33, 64],
    [301, 17, 5],
    [50, 257, 7],
  ])("%i rows, %i ids, %i columns, in f32 and f16", async (V, N, D) => {
    const ids = Uint32Array.from({ length: N }, (_, n) => (n * 7919) % V);
    await expectReference(device!, [[seededNormal(V, V * D), [V, D]], [ids, [N]]], embedding);
    await expectReference(device!, [[Uint16Array.from({ length: V * D }, (_, i) => (i * 12347) % 0x7c00), [V, D]], [ids, [N]]], embedding, { absolute: 2 ** -126 });
  });

  test.skipIf(skipped)("an id past the table is a row of NaN, the others stay", async () => {
    const table = Float32Array.from({ length: 300 * 2 }, (_, i) => i);
    const [y] = await runOn(device!, [[table, [300, 2]], [Uint32Array.of(299, 300, 0, 2 ** 32 - 1), [4]]], embedding);
    expect([...y]).toEqual([598, 599, NaN, NaN, 0, 1, NaN, NaN]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => embedding(device!.zeros([4]), device!.zeros([1], "u32"))).toThrow("embedding: expected weight f32[V,D] or f16[V,D], got f32[4]");
      expect(() => embedding(device!.zeros([4, 4]), device!.zeros([1]))).toThrow("embedding: expected ids u32[N], got f32[1]");
    });
  });
});

describe.each(await devices())("halves on $name", ({ device, skipped }) => {
  test.skipIf(skipped)("every one of the 65,536 widens to its value, by castF32, embedding and read", async () => {
    const ids = Uint32Array.from({ length: 256 }, (_, n) => n);
    await expectReference(device!, [[halves, [65536]]], castF32);
    await expectReference(device!, [[halves, [256, 256]], [ids, [256]]], embedding);
    await expectReference(device!, [[halves, [65536]]], (x) => x.reshape([65536]));
  });

  test.skipIf(skipped)("odd lengths widen too", async () => {
    for (const n of [0, 1, 2, 3, 5, 16385]) await expectReference(device!, [[halves.subarray(15000, 15000 + n), [n]]], castF32);
  });
});
