import { adamInto, attention, castF32, clipNormInto, crossEntropy, decodeSparse, encodeGated, encodeJumpRelu, encodeRelu, encodeThreshold, encodeTopK, gelu, layerNorm, linear, linearAt, maxRows, mean, meanRows, mul, normaliseRowsInto, normColumns, normRows, relu, removeParallelInto, rotary, sliceColumns, sliceRows, softmax, SparseFeatures, splitQkv, sum, sumColumns, sumPowers, sumRows, sumSquares, transpose, type Tensor } from "@dictlearn/kernels";
import { devices, gradientsOf, runOn, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

// What the cpu promises: results are the same bytes on any number of threads, and a row's are the same in any company.

const [N, D] = [131, 72];
const x: Input = [seededNormal(1, N * D), [N, D]];
const numbers = (f: (n: number) => number, length = N): Input => [Uint32Array.from({ length }, (_, n) => f(n)), [length]];
const causal: Input = [Uint32Array.from({ length: 2 * N }, (_, i) => (i % 2 ? (i + 1) / 2 : i > 100 ? 51 : 0)), [N, 2]];
const sparse = (entries: number): [Input, Input, Input] => [numbers((n) => n * entries, N + 1), numbers((e) => e % entries, N * entries), [seededNormal(9, N * entries), [N * entries]]];

/** `whole` works on all rows; `rows` on rows start to end of them. */
interface Case {
  name: string;
  inputs: Input[];
  run(t: Tensor[], rows: { start: number; end: number }): Tensor;
}
const cut = (t: Tensor, rows: { start: number; end: number }) => sliceRows(t.reshape([t.shape[0], t.size / t.shape[0]]), rows).reshape([rows.end - rows.start, ...t.shape.slice(1)]);
const changed = (x: Tensor, change: (x: Tensor) => void): Tensor => (change(x), x);
/** x, an encoder of F features, its bias, and a decoder. */
const encoder = (F: number): Input[] => [x, [seededNormal(2, F * D), [F, D]], [seededNormal(3, F), [F]], [seededNormal(4, F * 5), [F, 5]]];
const withValues = (f: SparseFeatures, values: (f: SparseFeatures) => Tensor) => new SparseFeatures(f.shape, f.rowStart, f.index, values(f));
const cases: Case[] = [
  { name: "gelu", inputs: [x], run: ([x], rows) => gelu(cut(x, rows)) },
  { name: "layerNorm", inputs: [x, [seededNormal(2, D), [D]], [seededNormal(3, D), [D]]], run: ([x, w, b], rows) => layerNorm(cut(x, rows), w, b, { epsilon: 1e-5 }) },
  { name: "splitQkv", inputs: [x], run: ([x], rows) => splitQkv(cut(x, rows), { heads: 2 }).k },
  { name: "rotary", inputs: [x, numbers((n) => n * 15)], run: ([x, p], rows) => rotary(cut(x, rows), cut(p, rows), { heads: 2, dims: 18, base: 10000 }) },
  { name: "attention", inputs: [x, [seededNormal(2, N * D), [N, D]], [seededNormal(3, N * D), [N, D]], causal], run: ([q, k, v, spans], rows) => attention(cut(q, rows), k, v, cut(spans, rows), { heads: 3 }) },
  { name: "sumRows", inputs: [x], run: ([x], rows) => sumRows(cut(x, rows)) },
  { name: "meanRows", inputs: [x], run: ([x], rows) => meanRows(cut(x, rows)) },
  { name: "maxRows", inputs: [x], run: ([x], rows) => maxRows(cut(x, rows)) },
  { name: "normRows", inputs: [x], run: ([x], rows) => normRows(cut(x, rows)) },
  { name: "softmax", inputs: [x], run: ([x], rows) => softmax(cut(x, rows)) },
  { name: "sliceColumns", inputs: [x], run: ([x], rows) => sliceColumns(cut(x, rows), { start: 3, end: 70 }) },
  { name: "normaliseRowsInto", inputs: [x], run: ([x], rows) => changed(cut(x, rows), (rows) => normaliseRowsInto(rows, { epsilon: 1e-6 })) },
  { name: "removeParallelInto", inputs: [x, [seededNormal(2, N * D), [N, D]]], run: ([x, d], rows) => changed(cut(x, rows), (g) => removeParallelInto(g, cut(d, rows), { epsilon: 1e-6 })) },
  { name: "crossEntropy", inputs: [x, numbers((n) => n % D)], run: ([x, t], rows) => crossEntropy(cut(x, rows), cut(t, rows)) },
  { name: "encodeTopK", inputs: encoder(300), run: ([x, e, b, d], rows) => decodeSparse(encodeTopK(cut(x, rows), e, b, { k: 9 }), d) }, // few rows are not screened, many are
  { name: "encodeThreshold", inputs: [...encoder(37), [Float32Array.of(1.5), [1]]], run: ([x, e, b, d, t], rows) => decodeSparse(encodeThreshold(cut(x, rows), e, b, t), d) },
  { name: "encodeJumpRelu", inputs: encoder(37), run: ([x, e, b, d], rows) => decodeSparse(encodeJumpRelu(cut(x, rows), e, b, b, { bandwidth: 0.5 }).features, d) },
  { name: "encodeGated", inputs: encoder(37), run: ([x, e, b, d], rows) => decodeSparse(encodeGated(cut(x, rows), e, b, b, b).features, d) },
  { name: "linearAt", inputs: encoder(37), run: ([x, e, b], rows) => sumPowers(withValues(encodeTopK(cut(x, rows), e, b, { k: 3 }), (f) => linearAt(f, cut(x, rows), e, b)), { p: 1 }) },
  { name: "sumPowers", inputs: encoder(37), run: ([x, e, b], rows) => sumPowers(encodeTopK(cut(x, rows), e, b, { k: 3 }), { p: 0.5 }) },
  { name: "encodeRelu", inputs: [x, [seededNormal(2, 37 * D), [37, D]], [seededNormal(3, 37), [37]], [seededNormal(4, 37 * 5), [37, 5]]], run: ([x, e, b, d], rows) => decodeSparse(encodeRelu(cut(x, rows), e, b), d) },
  {
    name: "decodeSparse",
    inputs: [...sparse(7), [seededNormal(5, 7 * D), [7, D]]],
    run([start, index, values, decoder], rows) {
      const some = { start: rows.start * 7, end: rows.end * 7 };
      return decodeSparse(new SparseFeatures([rows.end - rows.start, 7], sliceRows(start.reshape([N + 1, 1]), { start: 0, end: rows.end - rows.start + 1 }).reshape([rows.end - rows.start + 1]), cut(index, some), cut(values, some)), decoder);
    },
  },
];

const bytes = ([result]: (Float32Array | Int32Array | Uint32Array)[]) => new Uint32Array(result.buffer);
const cpus = (await devices()).filter(({ device }) => device?.exact).map(({ device }) => device!);

describe.each(cases)("$name", ({ inputs, run }) => {
  test("gives the same bytes on one thread and on two", async () => {
    const [one, two] = await Promise.all(cpus.map((device) => runOn(device, inputs, (...t) => run(t, { start: 0, end: N }))));
    expect(bytes(two)).toEqual(bytes(one));
  });

  test("gives a row the same bytes alone and in any company", async () => {
    const whole = bytes(await runOn(cpus[0], inputs, (...t) => run(t, { start: 0, end: N })));
    const width = whole.length / N;
    for (const [start, end] of [[0, 1], [1, 4], [51, 52], [60, N], [N - 1, N]])
      expect(bytes(await runOn(cpus[1], inputs, (...t) => run(t, { start, end })))).toEqual(whole.slice(start * width, end * width));
  });
});

test("widened halves are the same bytes on one thread and on two", async () => {
  const halves: Input = [Uint16Array.from({ length: 40_001 }, (_, i) => i), [40_001]];
  const [one, two] = await Promise.all(cpus.map((device) => runOn(device, [halves], castF32)));
  expect(bytes(two)).toEqual(bytes(one));
});

// What mixes rows, or is a gradient, has only the first of the two promises; sizes that make several tasks.
const [rows, columns] = [301, 137];
const large = (seed: number): Input => [seededNormal(seed, rows * columns), [rows, columns]];
const vector: Input = [seededNormal(5, columns), [columns]];
test.each<{ name: string; inputs: Input[]; run(...t: Tensor[]): Tensor | Tensor[] }>([
  { name: "sums", inputs: [large(1)], run: (x) => [sum(x), mean(x), sumColumns(x), sumSquares(x), normColumns(x)] },
  { name: "transpose", inputs: [large(1)], run: transpose },
  { name: "mul and its gradients, rows and columns", inputs: [large(1), vector, [seededNormal(6, rows), [rows, 1]]], run: gradientsOf((x, row, column) => mul(mul(x, row), column)) },
  { name: "gradients of relu, gelu and layerNorm", inputs: [large(1), vector, vector], run: gradientsOf((x, w, b) => layerNorm(gelu(relu(x)), w, b, { epsilon: 1e-5 })) },
  { name: "gradients of linear", inputs: [large(1), large(2), [seededNormal(7, rows), [rows]]], run: gradientsOf((x, weight, bias) => linear(x, weight, bias)) },
  { name: "clipNormInto", inputs: [large(1), large(2)], run: (a, b) => [clipNormInto([a, b], { max: 1 }), a, b] },
  { name: "adamInto", inputs: [large(1), large(2), large(3), [large(4)[0].map(Math.abs) as Float32Array, [rows, columns]]], run: (p, g, m, v) => (adamInto(p, g, m, v, { lr: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, step: 2 }), [p, m, v]) },
])("$name: the same bytes on one thread and on two", async ({ inputs, run }) => {
  const [one, two] = await Promise.all(cpus.map((device) => runOn(device, inputs, run)));
  expect(two.map((result) => bytes([result]))).toEqual(one.map((result) => bytes([result])));
});
