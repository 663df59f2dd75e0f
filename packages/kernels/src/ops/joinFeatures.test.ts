import { encodeRelu, joinFeatures, SparseFeatures, sliceRows, type Tensor } from "@dictlearn/kernels";
import { devices, expectReference, seededFeatures, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

describe.each(await devices())("features side by side on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    [0, [3, 4]],
    [1, [1]],
    [5, [300, 1, 7]],
    [67, [16, 16, 16, 5]],
  ])("%i rows of %j features", async (B, widths) => {
    const inputs = widths.flatMap((F, i) => seededFeatures(i + 1, B, F, Math.min(F, 3)));
    const nnz = inputs.reduce((sum, [data], i) => sum + (i % 3 === 0 ? (data as Uint32Array)[B] : 0), 0); // what lies behind is undefined
    const cut = (tensor: Tensor) => sliceRows(tensor.reshape([tensor.size, 1]), { start: 0, end: nnz });
    await expectReference(device, inputs, (...tensors: Tensor[]) => {
      const parts = widths.map((F, i) => new SparseFeatures([B, F], ...(tensors.slice(3 * i, 3 * i + 3) as [Tensor, Tensor, Tensor])));
      const { rowStart, index, values } = joinFeatures(parts);
      return [rowStart, cut(index), cut(values)];
    });
  });

  test.skipIf(skipped)("an encoder in parts gives what it gives as a whole", async () => {
    const [B, D, F] = [9, 8, 70];
    const [x, encoder, bias] = [device.tensor(seededNormal(1, B * D), [B, D]), device.tensor(seededNormal(2, F * D), [F, D]), device.tensor(seededNormal(3, F), [F])];
    const [whole, joined] = [encodeRelu(x, encoder, bias), joinFeatures([0, 20, 40, 60].map((start) => {
      const range = { start, end: Math.min(start + 20, F) };
      return encodeRelu(x, sliceRows(encoder, range), sliceRows(bias.reshape([F, 1]), range).reshape([range.end - start]));
    }))];
    expect(joined.shape).toEqual([B, F]);
    const [a, b] = [await whole.read(), await joined.read()];
    expect(b).toEqual(a);
    expect(a.index.length).toBeGreaterThan(B);
  });

  test.skipIf(skipped)("parts of other rows are named", () => {
    device.scope(() => {
      const empty = (B: number) => new SparseFeatures([B, 3], device.zeros([B + 1], "u32"), device.empty("u32", [0]), device.empty("f32", [0]));
      expect(() => joinFeatures([empty(4), empty(5)])).toThrow("joinFeatures: expected parts of as many rows, got 4 and 5");
    });
  });
});
