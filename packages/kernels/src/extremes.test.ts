import * as kernels from "@dictlearn/kernels";
import { type Device, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { devices, ReferenceDevice, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

// Every op at the ends: nothing but zeros, numbers too small to be normal, 1e30, ties; no row, one row, enough for the screens;
// all features wanted. Each device against the references.

const [D, F, V] = [16, 32, 24];
const rowCounts = [0, 1, 33];
const fills: Record<string, (i: number) => number> = {
  zeros: () => 0,
  "negative zeros": () => -0,
  denormals: (i) => 1e-40 * noise[i % noise.length],
  "1e30": (i) => 1e30 * (1 + Math.abs(noise[i % noise.length])),
  "1e30 of either sign": (i) => 1e30 * noise[i % noise.length],
  "far apart": (i) => (i % 3 ? 1e-30 : 1e15) * noise[i % noise.length],
  "all equal": () => 0.75,
};
const noise = seededNormal(1, 997);

type Results = (Tensor | SparseFeatures)[];
interface At {
  device: Device;
  /** Extreme numbers. */
  x(...shape: number[]): Tensor;
  /** Ordinary ones. */
  w(...shape: number[]): Tensor;
  u32(values: readonly number[], ...shape: number[]): Tensor;
}
/** An op on B rows. What is given with extreme numbers is `x`; the rest is ordinary, so that what overflows does so everywhere. */
const ops: Record<string, (at: At, B: number) => Results> = {
  "add, sub, mul, div": ({ x, w }, B) => [kernels.add(x(B, D), w(B, D)), kernels.sub(x(B, D), w(B, D)), kernels.mul(x(B, D), w(B, D)), kernels.div(x(B, D), kernels.shift(kernels.abs(w(B, D)), 1))],
  "relu, abs, scale, shift, square": ({ x }, B) => [kernels.relu(x(B, D)), kernels.abs(x(B, D)), kernels.scale(x(B, D), -2.5), kernels.shift(x(B, D), 1), kernels.square(x(B, D))],
  "sqrt, log, pow": ({ x }, B) => [kernels.sqrt(kernels.abs(x(B, D))), kernels.log(kernels.shift(kernels.abs(x(B, D)), 1)), kernels.pow(kernels.abs(x(B, D)), 0.5)],
  "gelu, exp": ({ x, w }, B) => [kernels.gelu(x(B, D)), kernels.exp(w(B, D))],
  layerNorm: ({ x, w }, B) => [kernels.layerNorm(x(B, D), w(D), w(D), { epsilon: 1e-5 })],
  "softmax, argmax": ({ x }, B) => [kernels.softmax(x(B, V)), kernels.argmax(x(B, V))],
  crossEntropy: ({ x, u32 }, B) => [kernels.crossEntropy(x(B, V), u32(Array.from({ length: B }, (_, i) => i % V), B))],
  "sumRows, meanRows, maxRows": ({ x }, B) => [kernels.sumRows(x(B, D)), kernels.meanRows(x(B, D)), kernels.maxRows(x(B, D))],
  "sum, mean, sumColumns, transpose": ({ x }, B) => [kernels.sum(x(B, D)), ...(B ? [kernels.mean(x(B, D))] : []), kernels.sumColumns(x(B, D)), kernels.transpose(x(B, D))],
  "normRows, normColumns": ({ x }, B) => [kernels.normRows(x(B, D)), ...(B ? [kernels.normColumns(x(B, D))] : [])],
  "sliceRows, sliceColumns, expand": ({ x }, B) => [kernels.sliceRows(x(B, D), { start: 0, end: B }), kernels.sliceColumns(x(B, D), { start: 3, end: 7 }), kernels.expand(x(D), { shape: [B, D] })],
  linear: ({ x, w }, B) => [kernels.linear(x(B, D), w(F, D), w(F)), kernels.matmul(x(B, D), w(D, F))],
  "rotary, splitQkv": ({ x, u32 }, B) => [kernels.rotary(x(B, D), u32(Array.from({ length: B }, (_, i) => i), B), { heads: 2, dims: 4, base: 10000 }), ...Object.values(kernels.splitQkv(x(B, 3 * D), { heads: 2 }))],
  attention: ({ x, w, u32 }, B) => [kernels.attention(w(B, D), w(B, D), x(B, D), u32(Array.from({ length: B }, (_, i) => [0, i + 1]).flat(), B, 2), { heads: 2 })],
  segments: ({ x, u32 }, B) => [kernels.segmentMean, kernels.segmentMax, kernels.segmentLast].map((op) => op(x(B, D), u32(B ? [0, B] : [0], B ? 2 : 1))),
  "removeParallelInto, adamInto": ({ x, w }, B) => {
    const [gradient, parameter, m, v] = [x(B, D), w(B, D), kernels.scale(w(B, D), 0), kernels.scale(w(B, D), 0)];
    kernels.adamInto(parameter, x(B, D), m, v, { step: 1, lr: 1e-3, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 });
    kernels.removeParallelInto(gradient, kernels.shift(w(B, D), 0), { epsilon: 1e-6 });
    return [gradient, parameter];
  },
  "encodeTopK, few": ({ x, w }, B) => [kernels.encodeTopK(x(B, D), w(F, D), w(F), { k: 3 })],
  "encodeTopK, K = F": ({ x, w }, B) => [kernels.encodeTopK(x(B, D), w(F, D), w(F), { k: F })],
  "encodeBatchTopK, few": ({ x, w }, B) => [kernels.encodeBatchTopK(x(B, D), w(F, D), w(F), { k: 2 })],
  "encodeBatchTopK, K = F": ({ x, w }, B) => [kernels.encodeBatchTopK(x(B, D), w(F, D), w(F), { k: F })],
  encodeRelu: ({ x, w }, B) => [kernels.encodeRelu(x(B, D), w(F, D), w(F))],
  encodeGated: ({ x, w }, B) => Object.values(kernels.encodeGated(x(B, D), w(F, D), w(F), w(F), w(F))),
  encodeJumpRelu: ({ x, w }, B) => [kernels.encodeJumpRelu(x(B, D), w(F, D), w(F), kernels.abs(w(F)), { bandwidth: 0.1 }).features],
  encodeThreshold: ({ x, w }, B) => [kernels.encodeThreshold(x(B, D), w(F, D), w(F), kernels.abs(w(1)))],
  "decodeSparse, sumPowers, countNonzero, minPositive": ({ x, w }, B) => {
    const features = kernels.encodeTopK(w(B, D), w(F, D), w(F), { k: 3 });
    return [kernels.decodeSparse(features, x(F, D), w(D)), kernels.sumPowers(features, { p: 1 }), kernels.countNonzero(features), kernels.minPositive(features)];
  },
  "firedFeatures, geometricMedian": ({ x, w }, B) => [kernels.firedFeatures(kernels.encodeTopK(x(B, D), w(F, D), w(F), { k: 3 }), { positive: true }), ...(B ? [kernels.geometricMedian(w(B, D), { iterations: 5, tolerance: 1e-5 })] : [])],
};

/** Runs an op and reads all that it gives; sparse features as dense rows, since how much room they have is the backend's. */
function run(device: Device, op: (typeof ops)[string], fill: (i: number) => number, B: number): Promise<ArrayLike<number>[]> {
  return device.scope(async () => {
    let seed = 0;
    const size = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
    const results = op(
      {
        device,
        x: (...shape) => device.tensor(Float32Array.from({ length: size(shape) }, (_, i) => fill(i)), shape),
        w: (...shape) => device.tensor(seededNormal(++seed, size(shape)), shape),
        u32: (values, ...shape) => device.tensor(Uint32Array.from(values), shape),
      },
      B,
    );
    return Promise.all(results.map(async (result) => (result instanceof kernels.Tensor ? result.read() : dense(await result.read(), result.shape))));
  });
}

function dense({ rowStart, index, values }: Awaited<ReturnType<SparseFeatures["read"]>>, [B, F]: readonly [number, number]): Float32Array {
  const rows = new Float32Array(B * F);
  for (let b = 0; b < B; b++) for (let e = rowStart[b]; e < rowStart[b + 1]; e++) rows[b * F + index[e]] = values[e];
  return rows;
}

/** The least normal f32: what is smaller may be flushed to 0, as WGSL allows. */
const normal = 2 ** -126;

/** Finite results within a part of the largest beside them; what overflows, overflows on both. */
function expectAgrees(actual: ArrayLike<number>, expected: ArrayLike<number>, flushed: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) if (Number.isFinite(expected[i])) largest = Math.max(largest, Math.abs(expected[i]));
  const tolerance = 4e-6 * largest + 4 * normal;
  const agrees = (got: number, i: number) => (Number.isFinite(expected[i]) ? Math.min(Math.abs(got - expected[i]), Math.abs(got - flushed[i])) <= tolerance : !Number.isFinite(got));
  for (let i = 0; i < expected.length; i++) if (!agrees(actual[i], i)) throw new Error(`element ${i}: expected ${expected[i]} within ${tolerance}, got ${actual[i]}`);
}

const reference = new ReferenceDevice();

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each<[string, (x: Tensor, encoder: Tensor, bias: Tensor) => SparseFeatures]>([
    ["encodeTopK", (x, encoder, bias) => kernels.encodeTopK(x, encoder, bias, { k: 32 })],
    ["encodeBatchTopK", (x, encoder, bias) => kernels.encodeBatchTopK(x, encoder, bias, { k: 32 })],
    ["encodeRelu", (x, encoder, bias) => kernels.encodeRelu(x, encoder, kernels.shift(bias, -14))],
  ])("%s with 131,072 features", async (_, encode) => {
    const op: (typeof ops)[string] = ({ w }, B) => [encode(w(B, D), w(131_072, D), w(131_072))];
    const [expected] = await run(reference, op, fills.zeros, 2);
    const [actual] = await run(device!, op, fills.zeros, 2);
    expect(Array.from(expected).filter((v) => v !== 0).length).toBeGreaterThan(2);
    expectAgrees(actual, expected, expected);
  });

  describe.each(Object.keys(ops))("%s", (name) => {
    test.skipIf(skipped).each(Object.keys(fills))("agrees with its reference at %s, for no row, one row, and many", async (fill) => {
      for (const B of rowCounts) {
        const expected = await run(reference, ops[name], fills[fill], B);
        const actual = await run(device!, ops[name], fills[fill], B);
        const flushed = device!.kind === "webgpu" && fill === "denormals" ? await run(reference, ops[name], fills.zeros, B) : expected; // WGSL may take what is not normal for 0
        expected.forEach((one, i) => expectAgrees(actual[i], one, flushed[i]));
      }
    });
  });
});
