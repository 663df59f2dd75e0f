import { countNonzero, minPositive, minPositiveOfBatch, pow, SparseFeatures, sumPowers, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, runOn, seededFeatures, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

/** Features with some of value 0, cut to the entries. */
const given = (B: number, F: number, most: number): Input[] => {
  const [rowStart, index, values] = seededFeatures(1, B, F, most);
  const nnz = rowStart[0][B];
  return [rowStart, [index[0].slice(0, nnz), [nnz]], [(values[0] as Float32Array).slice(0, nnz).map((v, e) => (e % 5 === 0 ? 0 : v)), [nnz]]];
};
const features = (B: number, F: number, f: (features: SparseFeatures) => Tensor | Tensor[]) => (rowStart: Tensor, index: Tensor, values: Tensor) => f(new SparseFeatures([B, F], rowStart, index, values));
const sizes = [
  [1, 1, 1],
  [9, 7, 5],
  [70, 131, 131],
] as const;

describe.each(await devices())("numbers a row on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(sizes)("%i rows, %i features, up to %i entries", async (B, F, most) => {
    for (const p of [1, 0.5, 0.3, 2]) await expectReference(device!, given(B, F, most), features(B, F, (f) => sumPowers(f, { p })), { absolute: most * 1e-6, relative: 1e-5 });
    await expectReference(device!, given(B, F, most), features(B, F, (f) => [countNonzero(f), minPositive(f), minPositiveOfBatch(f)]));
  });

  test.skipIf(skipped).each([1, 0.5, 0.3, 2])("sums of powers %f, and their norms: gradients are finite differences", async (p) => {
    // |v| > 0.01: the slope of a small power changes too fast at 0 for a difference
    const inputs = given(9, 7, 5).map(([data, shape]): Input => [data instanceof Float32Array ? data.map((v) => (Math.abs(v) < 0.01 && v !== 0 ? 0.5 : v)) : data, shape]);
    // what is 0 has the slope 0 by choice
    const positive = inputs.map(([data, shape]): Input => [data instanceof Float32Array ? data.map((v) => v || -1) : data, shape]);
    await expectGradients(device!, positive, features(9, 7, (f) => sumPowers(f, { p })), { absolute: 1e-5, relative: 1e-4 });
    const full = positive.map(([data, shape]): Input => [data instanceof Float32Array ? data.map(Math.abs) : data, shape]);
    const rows: Input[] = [[Uint32Array.of(0, 3, 4), [3]], [full[1][0].slice(0, 4), [4]], [full[2][0].slice(0, 4), [4]]];
    await expectGradients(device!, rows, features(2, 7, (f) => pow(sumPowers(f, { p }), 1 / p)), { absolute: 1e-5, relative: 1e-4 });
  });

  test.skipIf(skipped)("a row without positive features has no smallest", async () => {
    const inputs: Input[] = [[Uint32Array.of(0, 0, 2, 4), [4]], [Uint32Array.of(0, 1, 0, 1), [4]], [Float32Array.of(0, -1, 3, 1e-30), [4]]];
    const [rows, all] = await runOn(device!, inputs, features(3, 2, (f) => [minPositive(f), minPositiveOfBatch(f)]));
    expect([...rows]).toEqual([Infinity, Infinity, Math.fround(1e-30)]);
    expect([...all]).toEqual([Math.fround(1e-30)]);
  });
});
