import { scatterRowsInto } from "@dictlearn/kernels";
import { devices, expectReference, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 1024 });

/** n pairs: rows of N, some more than once, to places of M, each once. */
const pairs = (n: number, N: number, M: number): Uint32Array => Uint32Array.from({ length: 2 * n }, (_, i) => (i % 2 ? (((i - 1) / 2) * 7) % M : ((i / 2) * 5) % N));

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 1 KiB` }])("scattered rows on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    { n: 0, N: 3, M: 2, D: 2 },
    { n: 1, N: 1, M: 1, D: 1 },
    { n: 5, N: 3, M: 6, D: 5 },
    { n: 101, N: 37, M: 109, D: 3 },
    { n: 33, N: 300, M: 50, D: 64 },
    { n: 128, N: 64, M: 1000, D: 7 },
    { n: 3, N: 4, M: 5, D: 0 },
  ])("$n of $N rows of $D into $M", async ({ n, N, M, D }) => {
    await expectReference(device!, [[seededNormal(1, M * D), [M, D]], [seededNormal(2, N * D), [N, D]], [pairs(n, N, M), [n, 2]]], (target, source, places) => {
      scatterRowsInto(target, source, places);
      return [target, source];
    });
  });

  test.skipIf(skipped)("pairs that reach outside are passed over, the others arrive", async () => {
    const target = device!.zeros([3, 2]);
    const source = device!.tensor(Float32Array.of(1, 2, 3, 4), [2, 2]);
    const places = device!.tensor(Uint32Array.of(0, 3, 2, 0, 1, 2, 2 ** 32 - 1, 1, 0, 2 ** 32 - 1), [5, 2]);
    scatterRowsInto(target, source, places);
    expect([...(await target.read())]).toEqual([0, 0, 0, 0, 3, 4]);
    for (const t of [target, source, places]) t.dispose();
  });

  test.skipIf(skipped)("every bit arrives: NaN with a payload, -0, denormals", async () => {
    const bits = Uint32Array.of(0x7fc12345, 0xffc00001, 0x80000000, 1, 0x807fffff, 0x7f800000);
    const [target, source] = [device!.zeros([2, 3]), device!.tensor(new Float32Array(bits.buffer), [2, 3])];
    const places = device!.tensor(Uint32Array.of(1, 0, 0, 1), [2, 2]);
    scatterRowsInto(target, source, places);
    expect(new Uint32Array((await target.read()).buffer)).toEqual(Uint32Array.of(...bits.subarray(3), ...bits.subarray(0, 3)));
    for (const t of [target, source, places]) t.dispose();
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      const [target, places] = [device!.zeros([4, 512]), device!.zeros([1, 2], "u32")];
      expect(() => scatterRowsInto(target, device!.zeros([2, 511]), places)).toThrow("scatterRowsInto: expected source f32[N,512], got f32[2,511] (target is f32[4,512])");
      expect(() => scatterRowsInto(target, device!.zeros([2, 512]), device!.zeros([2], "u32"))).toThrow("scatterRowsInto: expected pairs u32[n,2], got u32[2]");
      expect(() => scatterRowsInto(target, target, places)).toThrow("scatterRowsInto: expected the target in memory of its own");
    });
  });
});
