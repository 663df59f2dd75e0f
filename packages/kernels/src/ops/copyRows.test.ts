import { copyRowsInto, sliceRows } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 1024 });
describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 1 KiB` }])("copied rows on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    { M: 3, N: 0, D: 2, at: 3 },
    { M: 1, N: 1, D: 1, at: 0 },
    { M: 7, N: 3, D: 5, at: 4 },
    { M: 200, N: 101, D: 3, at: 63 },
    { M: 40, N: 17, D: 64, at: 5 },
    { M: 300, N: 280, D: 67, at: 20 },
  ])("$N rows of $D into $M at $at, and taken out again", async ({ M, N, D, at }) => {
    const given = [[seededNormal(1, M * D), [M, D]], [seededNormal(2, N * D), [N, D]]] as const;
    await expectReference(device!, given, (target, source) => {
      copyRowsInto(target, source, { at });
      return [target, sliceRows(target, { start: at, end: at + N }), sliceRows(target, { start: 0, end: at }), sliceRows(target, { start: M, end: M })];
    });
  });

  test.skipIf(skipped)("the gradient of a slice: zeros outside", async () => {
    for (const [start, end] of [[0, 2], [1, 3], [2, 2], [0, 4]]) await expectGradients(device!, [[seededNormal(1, 12), [4, 3]]], (x) => [sliceRows(x, { start, end }), sliceRows(x, { start: 0, end: 1 })], { absolute: 1e-6 });
  });

  test.skipIf(skipped)("every bit arrives: NaN with a payload, -0, denormals, u32", async () => {
    const bits = Uint32Array.of(0x7fc12345, 0xffc00001, 0x80000000, 1, 0x807fffff, 0xffffffff);
    const words = device!.tensor(bits, [6, 1]);
    const copy = sliceRows(words, { start: 0, end: 6 });
    expect(await copy.read()).toEqual(bits);
    const floats = device!.tensor(new Float32Array(bits.buffer), [3, 2]);
    const tail = sliceRows(floats, { start: 1, end: 3 });
    expect(new Uint32Array((await tail.read()).buffer)).toEqual(bits.slice(2));
    for (const t of [words, copy, floats, tail]) t.dispose();
  });

  test.skipIf(skipped)("rows outside, another dtype, and a target that is its own source are errors", () => {
    device!.scope(() => {
      const target = device!.zeros([4, 512]);
      expect(() => copyRowsInto(target, device!.zeros([2, 512]), { at: 3 })).toThrow("copyRowsInto: expected rows 3 to 5 inside target f32[4,512]");
      expect(() => copyRowsInto(target, device!.zeros([2, 512], "u32"), { at: 0 })).toThrow("copyRowsInto: expected source f32[N,512], got u32[2,512] (target is f32[4,512])");
      expect(() => copyRowsInto(target, target, { at: 0 })).toThrow("copyRowsInto: expected source and target apart");
      expect(() => sliceRows(target, { start: 3, end: 5 })).toThrow("sliceRows: expected 0 <= start <= end <= 4, got 3 to 5 (x is f32[4,512])");
      expect(() => sliceRows(target, { start: 3, end: 2 })).toThrow("got 3 to 2");
    });
  });
});
