import { add, decodeSparse, encodeRelu, linearAt, mean, overFeatures, scale, SparseFeatures, square, sub, sum, sumPowers, valueAndGradients, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, expectReference, ReferenceDevice, runOn, seededFeatures, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { describe, expect, test, vi } from "vitest";
import { denseColumns, denseRows, takeAtInto } from "./dense.js";

const small = await webgpuDevice({ bindingBytes: 4096 });

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("sparse features as matrices on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each([
    [1, 1, 1],
    [3, 5, 2],
    [33, 7, 7],
    [40, 131, 67],
    [65, 300, 75],
  ])("%i rows, %i features, up to %i active: rows, columns, and back", async (B, F, most) => {
    const inputs = seededFeatures(1, B, F, most);
    const [[rowStart]] = inputs;
    const whole = { start: 0, end: F };
    const [from, to] = [Math.floor(B / 3), B - Math.floor(B / 4)];
    await expectReference(device!, [...inputs, [seededNormal(9, (to - from) * F), [to - from, F]]], (start, index, values, tile) => {
      const support = { shape: [B, F], rowStart: start, index } as const;
      const taken = index.device.zeros(index.shape);
      takeAtInto(taken, tile, support, { at: from });
      return [
        denseRows(support, values, { start: 0, end: B }), denseRows(support, values, { start: from, end: to }),
        denseColumns(support, values, whole), denseColumns(support, values, { start: Math.floor(F / 3), end: F - Math.floor(F / 4) }),
        taken,
      ];
    });
    // and what they are, said once more: each entry in its place
    const matrix = new Float32Array(B * F);
    for (let b = 0; b < B; b++) for (let e = rowStart[b]; e < rowStart[b + 1]; e++) matrix[b * F + inputs[1][0][e]] = (inputs[2][0] as Float32Array)[e];
    const [rows, columns] = await runOn(device!, inputs, (start, index, values) => [denseRows({ shape: [B, F], rowStart: start, index }, values, { start: 0, end: B }), denseColumns({ shape: [B, F], rowStart: start, index }, values, whole)]);
    expect(rows).toEqual(matrix);
    expect(columns).toEqual(matrix.map((_, i) => matrix[(i % B) * F + Math.floor(i / B)]));
  });
});

/** As `seededFeatures`, and quickly: `most` a row at even distances. */
function spread(B: number, F: number, most: number): [rowStart: Input, index: Input, values: Input] {
  const index = Uint32Array.from({ length: B * most }, (_, e) => (Math.floor(e / most) % 97) + Math.floor(((e % most) * (F - 97)) / most));
  return [[Uint32Array.from({ length: B + 1 }, (_, b) => b * most), [B + 1]], [index, [index.length]], [seededNormal(2, index.length), [index.length]]];
}

describe.each((await devices()).filter(({ device }) => device?.exact))("the dense form on $name", ({ device: found }) => {
  const device = found!;
  test.each([
    [3, 5, 4, 1],
    [70, 37, 19, 11],
    [9, 300, 33, 80],
    [2100, 4099, 2, 3], // several tiles
  ])("%i rows, %i features, %i columns: the bytes of the sparse form", async (B, F, D, most) => {
    const [rowStart, [index], [values]] = B * F < 1e6 ? seededFeatures(1, B, F, most) : spread(B, F, most);
    const nnz = rowStart[0][B];
    const dense: Input[] = [seededNormal(3, F * D), seededNormal(4, D)].map((data, i) => [data, i ? [D] : [F, D]]);
    // room for more entries than there are makes the same features dense
    const run = async (capacity: number) => {
      const ops = vi.spyOn(device, "run");
      const room = <A extends Float32Array | Uint32Array>(to: A, from: ArrayLike<number>): Input => (to.set(Array.prototype.slice.call(from, 0, nnz)), [to, [capacity]]);
      const inputs = [rowStart, room(new Uint32Array(capacity), index), room(new Float32Array(capacity), values as Float32Array), ...dense, [seededNormal(5, B * D), [B, D]] as Input];
      const results = await runOn(device, inputs, (rowStart, index, values, weight, bias, x) => {
        const support = { shape: [B, F], rowStart, index } as const;
        const sums = overFeatures(support);
        const at = linearAt(support, x, weight);
        return [decodeSparse(new SparseFeatures([B, F], rowStart, index, values), weight), decodeSparse(new SparseFeatures([B, F], rowStart, index, values), weight, bias), sums.rows(values, x), sums.totals(values), at.reshape([capacity, 1])];
      });
      for (const op of ["denseRows", "denseColumns", "takeAtInto"]) expect(ops.mock.calls.some(([{ name }]) => name === op)).toBe(capacity > nnz);
      ops.mockRestore();
      return results;
    };
    const [sparse, whole] = [await run(nnz), await run(B * F)];
    const cut = (results: ArrayLike<number>[]) => results.map((result, i) => (i === 4 ? Array.prototype.slice.call(result, 0, nnz) : result));
    expect(cut(whole)).toEqual(cut(sparse));
  });
});

describe.each(await devices())("a loss where half of the features are on, on $name", ({ device, skipped }) => {
  test.skipIf(skipped)("its gradients are those of the reference, with the centre taken before and inside", async () => {
    const [B, D, F] = [37, 11, 53];
    const inputs: Input[] = [[seededNormal(1, B * D), [B, D]], [seededNormal(2, F * D), [F, D]], [seededNormal(3, F).map((v) => 0.1 * v), [F]], [seededNormal(4, F * D), [F, D]], [seededNormal(5, D), [D]]];
    const run = (inside: boolean) => (...[x, encoder, bias, decoder, centre]: Tensor[]) => {
      const { value, gradients } = valueAndGradients({ encoder, bias, decoder, centre }, (p) => {
        const f = inside ? encodeRelu(x, p.encoder, p.bias, { centre: p.centre }) : encodeRelu(sub(x, p.centre), p.encoder, p.bias);
        return add(scale(sum(square(sub(decodeSparse(f, p.decoder, p.centre), x))), 1 / B), scale(mean(sumPowers(f, { p: 1 })), 0.1));
      });
      return [value, ...Object.values(gradients)];
    };
    const expected = await runOn(new ReferenceDevice(), inputs, run(false));
    for (const inside of [false, true]) {
      const got = await runOn(device!, inputs, run(inside));
      got.forEach((result, i) => expectClose(result, expected[i], { absolute: 2e-4, relative: 2e-5 }));
    }
  });
});
