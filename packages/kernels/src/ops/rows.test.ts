import { attention, castF32, crossEntropy, decodeSparse, encodeRelu, gelu, layerNorm, maxRows, meanRows, rotary, sliceRows, SparseFeatures, splitQkv, sumRows, type Tensor } from "@dictlearn/kernels";
import { devices, runOn, seededNormal, type Input } from "@dictlearn/testing";
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
const cases: Case[] = [
  { name: "gelu", inputs: [x], run: ([x], rows) => gelu(cut(x, rows)) },
  { name: "layerNorm", inputs: [x, [seededNormal(2, D), [D]], [seededNormal(3, D), [D]]], run: ([x, w, b], rows) => layerNorm(cut(x, rows), w, b, { epsilon: 1e-5 }) },
  { name: "splitQkv", inputs: [x], run: ([x], rows) => splitQkv(cut(x, rows), { heads: 2 }).k },
  { name: "rotary", inputs: [x, numbers((n) => n * 15)], run: ([x, p], rows) => rotary(cut(x, rows), cut(p, rows), { heads: 2, dims: 18, base: 10000 }) },
  { name: "attention", inputs: [x, [seededNormal(2, N * D), [N, D]], [seededNormal(3, N * D), [N, D]], causal], run: ([q, k, v, spans], rows) => attention(cut(q, rows), k, v, cut(spans, rows), { heads: 3 }) },
  { name: "sumRows", inputs: [x], run: ([x], rows) => sumRows(cut(x, rows)) },
  { name: "meanRows", inputs: [x], run: ([x], rows) => meanRows(cut(x, rows)) },
  { name: "maxRows", inputs: [x], run: ([x], rows) => maxRows(cut(x, rows)) },
  { name: "crossEntropy", inputs: [x, numbers((n) => n % D)], run: ([x, t], rows) => crossEntropy(cut(x, rows), cut(t, rows)) },
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
const cpus = (await devices()).filter(({ device }) => device?.kind === "cpu").map(({ device }) => device!);

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
