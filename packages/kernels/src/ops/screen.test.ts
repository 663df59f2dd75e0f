import { CpuDevice, encodeBatchTopK, encodeGated, encodeJumpRelu, encodeRelu, encodeThreshold, encodeTopK, linear, sliceRows, type Tensor } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { devices, runOn, seededNormal, type Input } from "@dictlearn/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { GemmEngine } from "../cpu/gemm.js";
import { activeEntries } from "./activeEntries.js";
import type { Rule } from "./compact.js";
import { activeOfTiles } from "./support.js";
import { topKInto } from "./topK.js";
import { rowOffsets, topOfTiles } from "./topOfBatch.js";

// The screen is only a way to be fast: whatever it is given, the bytes are those of all pre-activations, selected from.

type Given = [x: Float32Array, encoder: Float32Array, bias: Float32Array];
const [B, D, F] = [67, 37, 403];
const normal = (B: number, D: number, F: number): Given => [seededNormal(1, B * D), seededNormal(2, F * D), seededNormal(3, F)];
/** The same with one of the three changed, number by number. */
const change = (which: 0 | 1 | 2, to: (v: number, row: number, column: number) => number): Given =>
  normal(B, D, F).map((data, i) => (i === which ? data.map((v, at) => (which === 2 ? to(v, 0, at) : to(v, Math.floor(at / D), at % D))) : data)) as Given;

/**
 * One direction v for all rows, and for every 8th feature x·w = |x| (1 + 1e-6 ...): differences far below what int16 can tell,
 * with roundings of its own in each feature. Only the bound says that all of these must be computed.
 */
function close(): Given {
  const [v, encoder] = [seededNormal(4, D), seededNormal(5, F * D)];
  const square = v.reduce((sum, a) => sum + a * a, 0);
  const noise = seededNormal(6, F);
  for (let f = 0; f < F; f++) {
    let along = 0;
    for (let d = 0; d < D; d++) along += v[d] * encoder[f * D + d];
    const wanted = f % 8 ? 0.5 * square : square * (1 + 1e-6 * noise[f]);
    for (let d = 0; d < D; d++) encoder[f * D + d] += ((wanted - along) / square) * v[d];
  }
  return [Float32Array.from({ length: B * D }, (_, i) => v[i % D] * (1 + Math.floor(i / D) / B)), encoder, new Float32Array(F)];
}

/** The same with two numbers a feature, and one in x: all its roundings have one sign and add up to half of what the bound allows. */
function aligned(): Given {
  const [noise, spread] = [seededNormal(6, F), seededNormal(7, F)];
  const encoder = Float32Array.from({ length: F * D }, (_, i) => {
    const f = Math.floor(i / D);
    const w = 1 + 0.1 * spread[f] * (i % D < D / 2 ? 1 : -1);
    return ((w * D) / (D + 0.1 * spread[f])) * (f % 8 ? 0.5 : 1 + 1e-6 * noise[f]); // D is odd: one more has the plus
  });
  return [Float32Array.from({ length: B * D }, (_, i) => 1 + Math.floor(i / D) / B), encoder, new Float32Array(F)];
}

const cases: [name: string, k: number, given: Given][] = [
  ["as it comes", 10, normal(B, D, F)],
  ["one feature a row", 1, normal(B, D, F)],
  ["whole tiles", 32, normal(256, 64, 512)],
  ["one past a tile", 33, normal(129, 65, 529)],
  ["as few columns as there may be", 3, normal(33, 8, 31)],
  ["more rows and features than a product has", 8, normal(2100, 8, 1100)],
  ["a quarter of a thousand", 256, normal(32, 9, 2048)],
  ["closer than int16 can tell", 16, close()],
  ["roundings that add up", 16, aligned()],
  ["outlier columns", 16, change(0, (v, _, d) => (d % 17 === 3 ? 60 * v : v))],
  ["outlier columns in the encoder", 16, change(1, (v, _, d) => (d % 17 === 3 ? 60 * v : v))],
  ["features of very different length", 16, change(1, (v, f) => v * 10 ** ((f % 13) - 6))],
  ["rows of very different length", 16, change(0, (v, b) => v * 10 ** ((b % 25) - 20))],
  ["every eighth row ten times as long, so that a sample deceives", 16, change(0, (v, b) => (b % 8 ? v : 10 * v))],
  ["hardly any positive", 16, change(2, (v) => v - 18)],
  ["none positive", 16, change(2, () => -1e4)],
  ["all from the bias", 16, change(0, () => 0)],
  ["an encoder of zeros", 16, change(1, () => 0)],
  ["nothing at all", 16, [new Float32Array(B * D), new Float32Array(F * D), new Float32Array(F)]],
  ["pairs of the same feature", 15, [normal(B, D, F)[0], seededNormal(2, F * D).map((_, i, all) => all[(Math.floor(i / D) >> 1) * D + (i % D)]), new Float32Array(F)]],
  ["features too close to tell apart", 16, change(1, (_, f, d) => Math.sin(d) * (1 + f * 1e-7))],
  ["sums that are equal in the end", 16, change(1, (_, f, d) => (d < 3 ? 1 + (f % 2) : 0))],
  ["a NaN in some rows", 16, change(0, (v, b, d) => (b % 20 === 7 && d === 5 ? NaN : v))],
  ["an infinity in some rows", 16, change(0, (v, b, d) => (b % 20 === 7 && d === 5 ? -Infinity : v))],
  ["a NaN in the encoder", 16, change(1, (v, f, d) => (f === 5 && d === 5 ? NaN : v))],
  ["an infinite bias", 16, change(2, (v, _, f) => (f === 5 ? Infinity : v))],
  ["numbers next to the largest", 16, change(0, (v) => v * 1e37)],
  ["numbers next to the smallest", 16, change(1, (v) => v * 1e-38)],
  ["both so small that products vanish", 16, [seededNormal(1, B * D).map((v) => v * 1e-22), seededNormal(2, F * D).map((v) => v * 1e-22), new Float32Array(F)]],
];

/** The value that every `one in` of finite ones is above. */
function quantile(values: Float32Array, oneIn: number): number {
  const finite = values.filter(Number.isFinite).sort();
  return finite.length ? finite[Math.floor(finite.length * (1 - 1 / oneIn))] : 0;
}

const columnOf = (h: Float32Array, f: number, F: number): Float32Array => Float32Array.from({ length: h.length / F }, (_, b) => h[b * F + f]);

/** Rules that leave some twentieth of the pre-activations h f32[B,F], with thresholds that are equal to some of them, to the bit. */
const rules: [name: string, rule: (h: Float32Array, F: number) => { bias?: number; threshold?: Float32Array; margin?: number; positive?: boolean }][] = [
  ["above 0", (h) => ({ bias: quantile(h, 20) })],
  ["above one of them", (h) => ({ threshold: Float32Array.of(quantile(h, 20)) })],
  ["above one of each feature, and positive", (h, F) => ({ threshold: Float32Array.from({ length: F }, (_, f) => quantile(columnOf(h, f, F), 20)), positive: true })],
  ["less than a margin below one of each feature", (h, F) => ({ threshold: Float32Array.from({ length: F }, (_, f) => quantile(columnOf(h, f, F), 25) + 0.25), margin: 0.25 })],
];

/** As toEqual, which takes a second for so many numbers. */
function expectSame(actual: readonly ArrayBufferView[], expected: readonly ArrayBufferView[]): void {
  const bytes = (array: ArrayBufferView) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);
  if (actual.length !== expected.length || !actual.every((array, i) => bytes(array).equals(bytes(expected[i])))) expect(actual).toEqual(expected); // a NaN may have other bits
}

/** An engine whose sums are as far from the truth as those of D products can be, up or down. */
function worst(memory: WebAssembly.Memory): GemmEngine {
  return {
    name: "as far off as may be",
    pays: () => true,
    run({ a, b, bias, y, M, N, K }) {
      const [x, w, from, to] = ([[a, M * K], [b, N * K], [bias, bias ? N : 0], [y, M * N]] as const).map(([at, n]) => new Float32Array(memory.buffer, at, n)) as [Float32Array, Float32Array, Float32Array, Float32Array];
      for (let m = 0; m < M; m++)
        for (let n = 0; n < N; n++) {
          let [sum, most] = [from[n] ?? 0, Math.abs(from[n] ?? 0)];
          for (let k = 0; k < K; k++) {
            const product = x[m * K + k] * w[n * K + k];
            sum += product;
            most += Math.abs(product);
          }
          to[m * N + n] = sum + ((m * 7 + n * 5) % 3 < 1 ? -1 : 1) * (K + 1) * 2 ** -24 * most; // and is rounded once more here
        }
    },
    helper: { source: "(() => async () => {})", seat: null },
    close() {},
  };
}

const all = (await devices()).filter(({ device }) => device instanceof CpuDevice);
const off = await openDevice({ backend: "cpu", threads: 2, openEngine: (memory) => Promise.resolve(worst(memory)) });
afterAll(() => off.dispose());

describe.each([...all, { name: off.label, device: off }])("screening on $name", ({ device: found }) => {
  const device = found as CpuDevice;
  // What is compared with, and done again, is WebAssembly's everywhere.
  const run = device.run.bind(device);
  beforeAll(() => void (device.run = (op, ...rest) => run(op.name === "linear" ? { ...op, gemm: undefined } : op, ...rest)));
  afterAll(() => void Reflect.deleteProperty(device, "run"));

  /** Where there must be more rows, these come again, so that there are equals. */
  const inputsOf = ([x, encoder, bias]: Given, atLeast = 1): Input[] => {
    const [F, D] = [bias.length, encoder.length / bias.length];
    const times = Math.ceil((atLeast * D) / x.length);
    const rows = new Float32Array(times * x.length);
    for (let i = 0; i < times; i++) rows.set(x, i * x.length);
    return [[rows, [rows.length / D, D]], [encoder, [F, D]], [bias, [F]]];
  };

  test.each(cases)("%s: the bytes of the %i largest of all", async (_, k, given) => {
    const inputs = inputsOf(given);
    const B = inputs[0][1][0];
    const screened = await runOn(device, inputs, (...t) => {
      const { rowStart, index, values } = encodeTopK(...(t as [Tensor, Tensor, Tensor]), { k });
      return [rowStart, index, values];
    });
    const all = await runOn(device, inputs, (x, encoder, bias) => {
      const features = { rowStart: device.zeros([B + 1], "u32"), index: device.zeros([B * k], "u32"), values: device.zeros([B * k]) };
      topKInto(features, linear(x, encoder, bias), { k, at: 0 });
      return Object.values(features);
    });
    expectSame(screened, all);
  });

  test.each(cases)("%s: the bytes of the %i a row that are the largest of the batch", async (_, k, given) => {
    const inputs = inputsOf(given, 256);
    const screened = await runOn(device, inputs, (...t) => {
      const { rowStart, index, values } = encodeBatchTopK(...(t as [Tensor, Tensor, Tensor]), { k });
      return [rowStart, index, values];
    });
    const all = await runOn(device, inputs, (x, encoder, bias) => {
      const { row, column, values } = topOfTiles({ x, encoder, bias }, k * x.shape[0]);
      return [rowOffsets(row, { B: x.shape[0] }), column, values];
    });
    expectSame(screened, all);
  });

  describe.each(rules)("%s", (rule, ruleOf) => {
    test.each(cases.filter(([, , [x]]) => rule === rules[0][0] || x.length < 16_500))("%s: the bytes of those that are active of all", async (_, __, given) => {
      const inputs = inputsOf(given, 128);
      const [h] = (await runOn(device, inputs, (x, encoder, bias) => linear(x, encoder, bias))) as [Float32Array];
      const { bias: off = 0, threshold, ...options } = ruleOf(h, given[2].length);
      const less: Input = [given[2].map((v) => v - off), inputs[2][1]];
      const [screened, all] = await Promise.all(
        [activeEntries, activeOfTiles].map((entries) =>
          runOn(device, [inputs[0], inputs[1], less], (x, encoder, bias) => {
            const rule: Rule | undefined = threshold && { threshold: device.tensor(threshold, [threshold.length]), ...options };
            const { rowStart, index, values } = entries({ x, encoder, bias }, rule);
            return [rowStart, index, values];
          }),
        ),
      );
      const cut = ([rowStart, index, values]: typeof all) => [rowStart, index.slice(0, rowStart.at(-1)), values.slice(0, rowStart.at(-1))];
      expectSame(screened, cut(all)); // with no room to spare
    });
  });

  test.each([
    ["ReLU", (x, encoder, v) => encodeRelu(x, encoder, v)],
    ["a threshold", (x, encoder, v) => encodeThreshold(x, encoder, v, device.tensor(Float32Array.of(0.5), [1]))],
    ["JumpReLU", (x, encoder, v) => encodeJumpRelu(x, encoder, v, device.tensor(new Float32Array(F).fill(0.5), [F]), { bandwidth: 0.5 }).features],
    ["gates", (x, encoder, v) => encodeGated(x, encoder, v, v, v).gates],
  ] as [string, (x: Tensor, encoder: Tensor, v: Tensor) => ReturnType<typeof encodeRelu>][])("%s: a batch that is screened and its rows a few at a time are the same bytes", async (_, encode) => {
    const rows = 256;
    await device.scope(async () => {
      const [x, encoder] = [device.tensor(seededNormal(1, rows * D), [rows, D]), device.tensor(seededNormal(2, F * D), [F, D])];
      const v = device.tensor(new Float32Array(F).fill(-10), [F]);
      const ops: string[] = [];
      const { run } = device;
      device.run = (op, ...rest) => void (ops.push(op.name), run.call(device, op, ...rest));
      const whole = await encode(x, encoder, v).read();
      device.run = run;
      expect(ops).toContain(device.exact ? "screenActive" : "noteProductsInto");
      expect(ops).not.toContain("linear");
      for (let start = 0; start < rows; start += 31) {
        const end = Math.min(rows, start + 31);
        const part = await encode(sliceRows(x, { start, end }), encoder, v).read();
        expect([part.index, part.values]).toEqual([whole.index, whole.values].map((all) => all.slice(whole.rowStart[start], whole.rowStart[end])));
      }
    });
  });

  test("a batch whose lists of candidates are made in parts", async () => {
    const [B, D, F] = [4200, 8, 16_384]; // a list has 2,064 places
    const inputs: Input[] = [[seededNormal(1, B * D).map((v, i) => (i === 4100 * D ? NaN : v)), [B, D]], [seededNormal(2, F * D), [F, D]], [new Float32Array(F).fill(-11), [F]]];
    const [screened, all] = await Promise.all(
      [activeEntries, activeOfTiles].map((entries) => runOn(device, inputs, (x, encoder, bias) => (({ rowStart, index, values }) => [rowStart, index, values])(entries({ x, encoder, bias })))),
    );
    const nnz = all[0].at(-1);
    expectSame(screened, [all[0], all[1].slice(0, nnz), all[2].slice(0, nnz)]);
  });

  test("memory comes back, and rows that are done again leave none behind", () => {
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    for (const [, k, given] of cases.filter(([name]) => /as it comes|NaN/.test(name)))
      device.scope(() => {
        const [x, encoder, bias] = inputsOf(given, 256).map(([data, shape]) => device.tensor(data as Float32Array, shape)) as [Tensor, Tensor, Tensor];
        encodeTopK(x, encoder, bias, { k });
        encodeBatchTopK(x, encoder, bias, { k });
        encodeThreshold(x, encoder, bias, device.tensor(Float32Array.of(10), [1]));
      });
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
  });
});

test.each([["integers", undefined], ["products", (memory: WebAssembly.Memory) => Promise.resolve(worst(memory))]])("rows that a screen by %s gives up are no fault to who watches for what is not finite", async (_, openEngine) => {
  const device = await openDevice({ backend: "cpu", threads: 2, engine: "wasm", openEngine });
  device.watchFinite();
  try {
    await device.scope(async () => {
      const [x, encoder, bias] = cases.find(([name]) => name === "nothing at all")![2]; // all of 0 are candidates
      const given = [device.tensor(x, [B, D]), device.tensor(encoder, [F, D]), device.tensor(bias, [F])] as [Tensor, Tensor, Tensor];
      expect((await encodeTopK(...given, { k: 16 }).read()).index).toHaveLength(16 * B);
      const many = device.tensor(seededNormal(1, 256 * D), [256, D]);
      await encodeThreshold(many, given[1], given[2], device.tensor(Float32Array.of(-1), [1])).read();
    });
  } finally {
    device.dispose();
  }
});
