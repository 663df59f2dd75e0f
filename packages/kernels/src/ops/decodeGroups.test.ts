import { decodeGroups, decodeSparse, SparseFeatures, sub, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, expectGradients, expectReference, runOn, seededFeatures, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { prefixOfGroups, splitRows, suffixOfGroupsInto } from "./groups.js";

/** Features, a decoder and a bias, cut to the entries. */
const given = (B: number, F: number, D: number, most: number): Input[] => {
  const [rowStart, index, values] = seededFeatures(1, B, F, most);
  const nnz = rowStart[0][B];
  return [rowStart, [index[0].slice(0, nnz), [nnz]], [values[0].slice(0, nnz), [nnz]], [seededNormal(2, F * D), [F, D]], [seededNormal(3, D), [D]]];
};
const run = (groups: number[]) => (rowStart: Tensor, index: Tensor, values: Tensor, decoder: Tensor, bias?: Tensor) =>
  decodeGroups(new SparseFeatures([rowStart.size - 1, decoder.shape[0]], rowStart, index, values), decoder, bias, { groups });

describe.each(await devices())("decodeGroups on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each([
    { B: 0, F: 3, D: 2, most: 2, groups: [1, 2] },
    { B: 1, F: 1, D: 1, most: 1, groups: [1] },
    { B: 9, F: 67, D: 5, most: 30, groups: [1, 2, 16, 48] },
    { B: 33, F: 12, D: 67, most: 12, groups: [6, 6] },
    { B: 130, F: 300, D: 64, most: 9, groups: [100, 100, 99, 1] },
  ])("$B rows, $F features, $D columns in groups of $groups: as the features below each end decode", async ({ B, F, D, most, groups }) => {
    const inputs = given(B, F, D, most);
    const [[rowStart], [index], [values]] = inputs;
    const sums = await runOn(device, inputs, run(groups));
    let end = 0;
    for (const [g, size] of groups.entries()) {
      end += size;
      const kept = [...index.keys()].filter((e) => index[e] < end);
      const cut: Input[] = [[rowStart.map((at) => kept.filter((e) => e < at).length) as Uint32Array, [B + 1]], [Uint32Array.from(kept, (e) => index[e]), [kept.length]], [Float32Array.from(kept, (e) => values[e]), [kept.length]], ...inputs.slice(3)];
      const [expected] = await runOn(device, cut, (rowStart, index, values, decoder, bias) => decodeSparse(new SparseFeatures([B, F], rowStart, index, values), decoder, bias));
      expectClose(sums[g], expected, { absolute: 32 * Math.sqrt(most) * 2 ** -23, relative: 2 ** -22 });
    }
  });

  test.skipIf(skipped).each([
    [1, 1, 1, 1, [1]],
    [5, 7, 3, 7, [1, 2, 4]],
  ])("%i rows, %i features, %i columns, up to %i active in groups of %j: gradients are finite differences", async (B, F, D, most, groups) => {
    await expectGradients(device, given(B, F, D, most), run(groups), { absolute: 1e-5, relative: 1e-5 });
    // only some of the sums used, and no bias
    await expectGradients(device, given(B, F, D, most).slice(0, 4), (...inputs) => run(groups)(...(inputs as [Tensor, Tensor, Tensor, Tensor]))[0], { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("its pieces agree with their references", async () => {
    const [rowStart, index] = seededFeatures(1, 9, 67, 30);
    await expectReference(device, [rowStart, index, [Uint32Array.of(1, 20, 67), [3]]], splitRows);
    await expectReference(device, [[seededNormal(1, 9 * 3 * 37), [27, 37]], [seededNormal(2, 37), [37]]], (parts, bias) => [0, 1, 2].flatMap((g) => [prefixOfGroups(parts, bias, { g, G: 3 }), prefixOfGroups(parts, undefined, { g, G: 3 })]), { absolute: 1e-6 });
    await expectReference(device, [[seededNormal(1, 9 * 3 * 37), [27, 37]], [seededNormal(2, 9 * 37), [9, 37]]], (sums, x) => ([2, 1, 0].forEach((g) => suffixOfGroupsInto(sums, x, { g, G: 3 })), sums), { absolute: 1e-6 });
  });

  test.skipIf(skipped)("memory comes back", () => {
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    device.scope(() => {
      const [rowStart, index, values, decoder, bias] = given(5, 7, 3, 7).map(([data, shape]) => device.tensor(data, shape)) as [Tensor, Tensor, Tensor, Tensor, Tensor];
      const sums = run([3, 4])(rowStart, index, values, decoder, bias);
      sub(sums[0], sums[1]);
    });
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      const features = new SparseFeatures([8, 16], device.zeros([9], "u32"), device.zeros([1], "u32"), device.zeros([1]));
      expect(() => decodeGroups(features, device.zeros([16, 4]), undefined, { groups: [4, 8] })).toThrow("decodeGroups: expected groups of 16 features in all, got 4 + 8");
      expect(() => decodeGroups(features, device.zeros([16, 4]), undefined, { groups: [16, 0] })).toThrow("decodeGroups: expected groups of 16 features in all, got 16 + 0");
    });
  });
});
