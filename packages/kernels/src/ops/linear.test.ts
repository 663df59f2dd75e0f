import { devices, expectClose, expectGradients, ReferenceDevice, runOn, seededNormal, webgpuDevice, type Input } from "@dictlearn/testing";
import { linear, matmul, transpose, type Device, type Tensor } from "@dictlearn/kernels";
import { afterAll, describe, expect, test } from "vitest";

const inputs = (M: number, N: number, K: number): [x: Input, weight: Input, bias: Input] => [
  [seededNormal(1, M * K), [M, K]],
  [seededNormal(2, N * K), [N, K]],
  [seededNormal(3, N), [N]],
];
const run = (x: Tensor, weight: Tensor, bias?: Tensor) => linear(x, weight, bias);

/**
 * K + 1 roundings of f32 in any order keep |error| <= γ (|x| |weight|ᵀ + |bias|), γ ≈ (K + 1) 2⁻²⁴; one more for the
 * reference's own (Higham 2002, "Accuracy and Stability of Numerical Algorithms", §3.1).
 */
async function expectWithinRounding(device: Device, given: Input[]) {
  const reference = new ReferenceDevice();
  const absolute = given.map(([data, shape]): Input => [Float32Array.from(data, Math.abs), shape]);
  const [[expected], [scale], [actual]] = [await runOn(reference, given, run), await runOn(reference, absolute, run), await runOn(device, given, run)];
  const bound = (given[0][1][1] + 2) * 2 ** -24;
  expect(actual).toHaveLength(expected.length);
  let worst = 0;
  actual.forEach((y, i) => (worst = Math.max(worst, Number.isNaN(y) ? Infinity : Math.abs(y - expected[i]) / scale[i])));
  expect(worst).toBeLessThanOrEqual(bound);
}

// prime, one past a tile or a block, less than a vector; thin and not
const sizes = [
  [1, 1, 1],
  [2, 3, 5],
  [3, 17, 7],
  [1, 131, 64],
  [8, 5, 130],
  [9, 65, 31],
  [64, 64, 16],
  [65, 68, 36],
  [13, 16, 257],
  [67, 129, 515],
  [259, 20, 8],
] as const;

describe.each(await devices())("on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each(sizes)("x[%i rows] weight[%i rows] of %i columns: within rounding of the reference, with and without bias", async (M, N, K) => {
    const given = inputs(M, N, K);
    await expectWithinRounding(device, given);
    await expectWithinRounding(device, given.slice(0, 2));
  });

  test.skipIf(skipped).each([
    [1, 1, 1],
    [3, 5, 2],
    [9, 4, 7],
  ])("gradients of x[%i rows] weight[%i rows] of %i columns, with and without bias", async (M, N, K) => {
    const given = inputs(M, N, K);
    await expectGradients(device, given, run, { absolute: 1e-5 });
    await expectGradients(device, given.slice(0, 2), run, { absolute: 1e-5 });
  });

  test.skipIf(skipped)("matmul takes either side transposed, and has gradients", async () => {
    const input = (seed: number, rows: number, columns: number): Input => [seededNormal(seed, rows * columns), [rows, columns]];
    const both = [false, true];
    const ways = [[5, 3, 7], [1, 1, 1], [1, 5, 3], [2, 3, 4]].flatMap((size) => both.flatMap((transposeA) => both.map((transposeB) => ({ size, transposeA, transposeB }))));
    for (const { size: [M, N, K], transposeA, transposeB } of ways) {
      const given = [transposeA ? input(1, K, M) : input(1, M, K), transposeB ? input(2, N, K) : input(2, K, N)];
      const run = (a: Tensor, b: Tensor) => matmul(a, b, { transposeA, transposeB });
      const at = (of: number, i: number, j: number) => given[of][0][i * given[of][1][1] + j];
      const expected = Array.from({ length: M * N }, (_, i) => Array.from({ length: K }, (_, k) => (transposeA ? at(0, k, Math.floor(i / N)) : at(0, Math.floor(i / N), k)) * (transposeB ? at(1, i % N, k) : at(1, k, i % N))).reduce((a, b) => a + b));
      expectClose((await runOn(device, given, run))[0], expected, { absolute: 1e-5 });
      await expectGradients(device, given, run, { absolute: 1e-5 });
    }
    device.scope(() => expect(() => matmul(device.zeros([4, 5]), device.zeros([4, 5]))).toThrow("matmul: expected b f32[5,N], got f32[4,5] (a is f32[4,5])"));
  });

  test.skipIf(skipped).each([
    [1, 1, 1],
    [1, 63, 5],
    [2, 64, 1],
    [1, 130, 33],
    [2, 514, 700],
    [2, 7, 4],
    [3, 70, 9],
  ])("matmul of %i rows gives what linear gives with b turned: %i columns, depth %i", async (M, N, K) => {
    const [a, b] = [seededNormal(1, M * K), seededNormal(2, K * N)];
    const found = await runOn(device, [[a, [M, K]], [b, [K, N]]], (a, b) => [matmul(a, b), linear(a, transpose(b))]);
    if (device.exact) expect(found[0]).toEqual(found[1]);
    else expectClose(found[0], found[1], { absolute: 1e-4 });
  });

  test.skipIf(skipped)("no rows in, none out", async () => {
    expect(await runOn(device, inputs(0, 5, 7), run)).toEqual([new Float32Array()]);
  });

  test.skipIf(skipped)("shapes that do not fit are named with the weight's", () => {
    const f32 = (...shape: number[]) => device.zeros(shape);
    device.scope(() => {
      expect(() => linear(f32(4, 768), f32(2048, 512))).toThrow("linear: expected x f32[B,512], got f32[4,768] (weight is f32[2048,512])");
      expect(() => linear(f32(512), f32(2048, 512))).toThrow("linear: expected x f32[B,512], got f32[512] (weight is f32[2048,512])");
      expect(() => linear(f32(4, 512), f32(2048, 512), f32(512))).toThrow("linear: expected bias f32[2048], got f32[512] (weight is f32[2048,512])");
      expect(() => linear(f32(4, 512), f32(512))).toThrow("linear: expected weight f32[N,K], got f32[512]");
      expect(() => linear(f32(4, 512), device.zeros([8, 512], "f16"))).toThrow("linear: expected weight f32[N,K], got f16[8,512]");
    });
  });
});

describe.each((await devices()).filter(({ device }) => device?.exact))("on $name", ({ device: found }) => {
  const device = found!;
  const rowsOf = ([data, [, K]]: Input, rows: readonly number[]): Input => [Float32Array.from({ length: rows.length * K }, (_, i) => data[rows[Math.floor(i / K)] * K + (i % K)]), [rows.length, K]];

  test.each([
    [3, 5, 7],
    [2, 21, 261],
    [33, 37, 515],
  ])("[%i,%i] of depth %i: every element is bias, then the products in order, each rounded to f32", async (M, N, K) => {
    const [x, weight, bias] = inputs(M, N, K);
    const expected = new Float32Array(M * N);
    for (let m = 0; m < M; m++)
      for (let n = 0; n < N; n++) {
        let sum = bias[0][n];
        for (let k = 0; k < K; k++) sum = Math.fround(sum + Math.fround(x[0][m * K + k] * weight[0][n * K + k]));
        expected[m * N + n] = sum;
      }
    expect(await runOn(device, [x, weight, bias], run)).toEqual([expected]);
  });

  test("a row has the same bytes alone, in any company, in any place", async () => {
    const [M, N, K] = [523, 83, 300];
    const [x, weight, bias] = inputs(M, N, K);
    const [whole] = await runOn(device, [x, weight, bias], run);
    const all = Array.from({ length: M }, (_, m) => m);
    const orders = [[0], [522], [7, 261], [1, 2, 3], [520, 5, 9, 300], all.slice(100, 361), [...all].reverse(), all.map((m) => (m * 10) % M)];
    for (const rows of orders) expect(await runOn(device, [rowsOf(x, rows), weight, bias], run)).toEqual([rowsOf([whole, [M, N]], rows)[0]]);
  });
});

test("one thread and two give the same bytes", async () => {
  const [one, two] = (await devices()).flatMap(({ device }) => (device?.exact ? [device] : []));
  for (const [M, N, K] of [[300, 500, 129], [1, 3001, 64], [37, 1030, 33]] as const)
    for (let turn = 0; turn < 5; turn++) expect(await runOn(two, inputs(M, N, K), run)).toEqual(await runOn(one, inputs(M, N, K), run));
});

const small = await webgpuDevice({ bindingBytes: 4096 });
afterAll(() => small.device?.dispose());
test.skipIf(small.skipped).each([
  [50, 40, 64],
  [3, 70, 64],
  [70, 9, 100],
  [130, 66, 5],
])("[%i,%i] of depth %i past the largest binding: computed part by part", async (M, N, K) => {
  await expectWithinRounding(small.device!, inputs(M, N, K));
});
