import { compactInto, countActive, scanInto, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, runOn, seededNormal, webgpuDevice } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const NEGATIVE_NAN = new Float32Array(Uint32Array.of(0xffc00000).buffer)[0];
const small = await webgpuDevice({ bindingBytes: 4096 });

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("dense to sparse on $name", ({ device, skipped }) => {
  /** Counts, offsets and entries of x, in tiles of `rows` rows. */
  const compact = (x: Float32Array, [B, F]: [number, number], rows: number) => (dense: Tensor, rowStart: Tensor, index: Tensor, values: Tensor) => {
    for (let at = 0; at < B; at += rows) {
      const end = Math.min(B, at + rows);
      const tile = dense.device.tensor(x.subarray(at * F, end * F), [end - at, F]);
      scanInto(rowStart, countActive(tile), { at });
      compactInto(index, values, tile, rowStart, { at });
    }
    return [countActive(dense), rowStart, index, values];
  };

  test.skipIf(skipped).each([
    [0, 3, 1],
    [1, 1, 1],
    [3, 2, 3],
    [7, 5, 2],
    [300, 16, 300],
    [5, 1023, 4],
    [3, 1025, 1],
    [2, 2500, 2],
  ])("f32[%i,%i] in tiles of %i rows", async (B, F, rows) => {
    const x = seededNormal(B + F, B * F).map((v, i) => (i % 11 === 0 ? [0, -0, NaN, NEGATIVE_NAN, 1e-45, -1e-45, Infinity, -Infinity][(i / 11) % 8] : v));
    const base = 3;
    const rowStart = new Uint32Array(B + 1).fill(base);
    await expectReference(
      device!,
      [[x, [B, F]], [rowStart, [B + 1]], [new Uint32Array(B * F + base), [B * F + base]], [new Float32Array(B * F + base), [B * F + base]]],
      compact(x, [B, F], rows),
    );
  });

  test.skipIf(skipped).each([
    [1, 1, 0, false],
    [7, 5, 0.25, false],
    [9, 1025, 0.25, true],
    [3, 67, 0, true],
  ])("f32[%i,%i] above a threshold each less %f, positive only: %s", async (B, F, margin, positive) => {
    const x = seededNormal(B + F, B * F).map((v, i) => (i % 13 === 0 ? NaN : v));
    const capacity = B * F;
    const given = [[x, [B, F]], [new Uint32Array(B + 1), [B + 1]], [new Uint32Array(capacity), [capacity]], [new Float32Array(capacity), [capacity]]] as const;
    for (const width of [F, 1])
      await expectReference(device!, [...given, [seededNormal(5, width), [width]]], (x, rowStart, index, values, threshold) => {
        const counts = countActive(x, { threshold, margin, positive });
        scanInto(rowStart, counts, { at: 0 });
        compactInto(index, values, x, rowStart, { at: 0 }, { threshold, margin, positive });
        return [counts, rowStart, index, values];
      });
  });

  test.skipIf(skipped)("what has no room is not written", async () => {
    const [index, values] = await runOn(
      device!,
      [[Float32Array.of(1, -1, 2, 3, 4, -4, 5, 6, 7), [1, 9]], [Uint32Array.of(1, 0), [2]], [new Uint32Array(4), [4]], [new Float32Array(4), [4]]],
      (x, rowStart, index, values) => (compactInto(index, values, x, rowStart, { at: 0 }), [index, values]),
    );
    expect([...index]).toEqual([0, 0, 2, 3]);
    expect([...values]).toEqual([0, 1, 2, 3]);
  });

  test.skipIf(skipped)("rows outside are an error", () => {
    device!.scope(() => {
      const [x, rowStart, none] = [device!.zeros([3, 4]), device!.zeros([4], "u32"), device!.zeros([0], "u32")];
      expect(() => scanInto(rowStart, countActive(x), { at: 1 })).toThrow("scanInto: expected rows 1 to 4 inside 3 (rowStart is u32[4])");
      expect(() => compactInto(none, device!.zeros([0]), x, rowStart, { at: 1 })).toThrow("compactInto: expected rows 1 to 4 inside 3 (rowStart is u32[4])");
    });
  });
});
