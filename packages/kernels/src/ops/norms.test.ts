import { add, clipNormInto, normaliseRowsInto, normColumns, normRows, removeParallelInto, sum, sumSquares, valueAndGradients, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, expectGradients, expectReference, gradientsOf, runOn, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";

const small = await webgpuDevice({ bindingBytes: 4096 });
afterAll(() => small.device?.dispose());
const input = (seed: number, N: number, D: number): Input => [seededNormal(seed, N * D), [N, D]];
const sizes = [[0, 5], [1, 1], [3, 2], [65, 64], [7, 67], [130, 257], [2, 1021]] as const;
/** An op that changes its first input, which is then the result. */
const changed = (op: (first: Tensor, ...rest: Tensor[]) => void) => (...inputs: [Tensor, ...Tensor[]]) => (op(...inputs), inputs[0]);

describe.each([...(await devices()), { ...small, name: `${small.name}, bindings of 4 KiB` }])("norms on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(sizes)("of rows and columns of f32[%i,%i]", async (N, D) => {
    await expectReference(device!, [input(N + D, N, D)], (x) => [normRows(x), normColumns(x)], { relative: 3e-6 });
    await expectReference(device!, [input(N + D, N, D)], gradientsOf((x) => [normRows(x), normColumns(x), sumSquares(x)]), { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped).each(sizes)("rows of f32[%i,%i] normalised, what is parallel removed", async (N, D) => {
    for (const epsilon of [0, 1e-6, 0.5]) {
      await expectReference(device!, [input(1, N, D)], changed((x) => normaliseRowsInto(x, { epsilon })), { relative: 3e-6 });
      await expectReference(device!, [input(1, N, D), input(2, N, D)], changed((g, d) => removeParallelInto(g, d, { epsilon })), { absolute: 1e-5 });
    }
  });

  test.skipIf(skipped)("rows have norm 1 afterwards, gradients nothing along them; rows of zeros stay as they are", async () => {
    const [N, D] = [6, 33];
    const rows = input(1, N, D);
    rows[0].fill(0, 2 * D, 3 * D);
    const gradient = input(2, N, D);
    const [unit, g] = await runOn(device!, [rows, gradient], (x, g) => {
      normaliseRowsInto(x, { epsilon: 0 });
      removeParallelInto(g, x, { epsilon: 0 });
      return [x, g];
    });
    const dot = (a: ArrayLike<number>, b: ArrayLike<number>, n: number) => Array.from({ length: D }, (_, d) => a[n * D + d] * b[n * D + d]).reduce((x, y) => x + y);
    for (let n = 0; n < N; n++) {
      expect(Math.abs(dot(unit, unit, n) - (n === 2 ? 0 : 1))).toBeLessThan(1e-6);
      expect(Math.abs(dot(unit, g, n))).toBeLessThan(1e-5);
    }
    expect(g.subarray(2 * D, 3 * D)).toEqual(gradient[0].subarray(2 * D, 3 * D));
  });

  test.skipIf(skipped)("gradients of norms, also of rows and columns of zeros", async () => {
    await expectGradients(device!, [input(1, 5, 3)], (x) => [normRows(x), normColumns(x), sumSquares(x)], { absolute: 2e-5 });
    await device!.scope(async () => {
      const x = device!.zeros([3, 3]);
      const { gradients } = valueAndGradients({ x }, (p) => add(sum(normRows(p.x)), sum(normColumns(p.x))));
      expect([...(await gradients.x.read())]).toEqual(Array(9).fill(0));
    });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device!.scope(() => {
      expect(() => normRows(device!.zeros([4]))).toThrow("normRows: expected x f32[N,D], got f32[4]");
      expect(() => normColumns(device!.zeros([4]))).toThrow("normColumns: expected x f32[N,D], got f32[4]");
      expect(() => normaliseRowsInto(device!.zeros([4]), { epsilon: 0 })).toThrow("normaliseRowsInto: expected x f32[N,D], got f32[4]");
      expect(() => removeParallelInto(device!.zeros([4, 5]), device!.zeros([5, 4]), { epsilon: 0 })).toThrow("removeParallelInto: expected direction f32[4,5], got f32[5,4] (gradient is f32[4,5])");
    });
  });

  test.skipIf(skipped).each([[0], [1], [3], [4095], [4097], [100_003], [130, 67], [30, 1021], []])("sum of squares of f32[%i, ...]", async (...shape) => {
    const n = shape.reduce((a, b) => a * b, 1);
    await expectReference(device!, [[seededNormal(n, n), shape]], sumSquares, { relative: 2e-6 });
  });

  test.skipIf(skipped)("gradients clipped together: the norm is at most `max`, directions stay, short ones are left alone", async () => {
    const given: Input[] = [input(1, 3, 5), [seededNormal(2, 8195).map((v) => 0.1 * v), [8195]]];
    const whole = Math.hypot(...given[0][0], ...given[1][0]);
    for (const max of [1, whole + 0.1]) {
      const [norm, ...clipped] = await runOn(device!, given, (...g) => [clipNormInto(g, { max }), ...g]);
      expectClose(norm, [whole], { relative: 1e-6 });
      const factor = Math.min(1, max / (whole + 1e-6));
      clipped.forEach((g, i) => expectClose(g, Float32Array.from(given[i][0], (v) => v * factor), factor === 1 ? {} : { relative: 2e-6 }));
    }
    expect(() => clipNormInto([], { max: 1 })).toThrow("clipNormInto: expected gradients, got none");
    const [norm, zeros] = await runOn(device!, [[new Float32Array(3), [3]]], (g) => [clipNormInto([g], { max: 1 }), g]);
    expect([...norm, ...zeros]).toEqual([0, 0, 0, 0]);
  });
});
