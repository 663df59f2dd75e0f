import { gelu } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, gradientsOf, runOn, ReferenceDevice, seededNormal } from "@dictlearn/testing";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ERF } from "./gelu.js";

// x and erf(x/√2): Python 3, [(x, math.erf(x / math.sqrt(2))) for x in ...]
const table = [
  [-8, -0.9999999999999988], [-6, -0.9999999980268247], [-5.5, -0.999999962020875], [-5, -0.9999994266968563], [-4, -0.9999366575163338],
  [-3.92, -0.9999114510313759], [-3, -0.9973002039367398], [-2.5, -0.9875806693484477], [-2, -0.9544997361036416], [-1.5, -0.8663855974622838],
  [-1, -0.6826894921370859], [-0.75, -0.5467452952462636], [-0.5, -0.3829249225480262], [-0.25, -0.19741265136584743], [-0.1, -0.07965567455405796],
  [-0.001, -0.0007978844278221252], [-1e-10, -7.978845608028654e-11], [0.0, 0.0], [1e-10, 7.978845608028654e-11], [0.001, 0.0007978844278221252],
  [0.1, 0.07965567455405796], [0.25, 0.19741265136584743], [0.5, 0.3829249225480262], [0.75, 0.5467452952462636], [1, 0.6826894921370859],
  [1.5, 0.8663855974622838], [2, 0.9544997361036416], [2.5, 0.9875806693484477], [3, 0.9973002039367398], [3.92, 0.9999114510313759],
  [4, 0.9999366575163338], [5, 0.9999994266968563], [5.5, 0.999999962020875], [6, 0.9999999980268247], [8, 0.9999999999999988],
];

/** erf is off by 4e-7 at most, so gelu = x/2 (1 + erf) by 2e-7 |x| and three roundings; a GPU may flush denormals. */
function expectGelu(x: ArrayLike<number>, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (let i = 0; i < x.length; i++) {
    const allowed = (2e-7 + 3 * 2 ** -24) * Math.abs(x[i]) + 1.2e-38;
    if (!(Math.abs(actual[i] - expected[i]) <= allowed)) expect.fail(`gelu(${x[i]}): expected ${expected[i]}, got ${actual[i]}`);
  }
}

test("the reference is x Φ(x) by Python's erf, to f32", async () => {
  const x = Float64Array.from(table, ([x]) => x);
  const [y] = await runOn(new ReferenceDevice(), [[Float32Array.from(x), [x.length]]], gelu);
  // the input itself is rounded to f32, and gelu's slope is 1.13 at most
  y.forEach((v, i) => expect(Math.abs(v - 0.5 * x[i] * (1 + table[i][1]))).toBeLessThanOrEqual(1.2 * 2 ** -24 * Math.abs(x[i]) + 2 ** -24 * Math.abs(v)));
});

test("the coefficients of the WebAssembly kernel are those of the WGSL", () => {
  const kernel = readFileSync(new URL("../../src/ops/gelu.as.ts", import.meta.url), "utf8");
  const given = (name: string) => [...kernel.matchAll(new RegExp(`\\b${name} = .*splat\\(([-+.e\\d]+)\\)`, "g"))].map((match) => Number(match[1])).reverse();
  const chain = (name: string) => given(name).slice(0, ERF[name as "p" | "q"].length);
  expect(chain("p")).toEqual(ERF.p);
  expect(chain("q")).toEqual(ERF.q);
  expect(given("limit")).toEqual([ERF.limit]);
});

describe.each(await devices())("gelu on $name", ({ device, skipped }) => {
  test.skipIf(skipped)("is x Φ(x) by Python's erf", async () => {
    const x = Float32Array.from(table, ([x]) => x);
    const [y] = await runOn(device!, [[x, [x.length]]], gelu);
    expectGelu(x, y, table.map(([x, erf]) => 0.5 * x * (1 + erf)));
  });

  test.skipIf(skipped).each([[0], [1], [3], [257], [8193], [5, 7], [2, 3, 5]])("agrees with the reference, f32[%s, ...]", async (...shape) => {
    const x = seededNormal(1, shape.reduce((a, b) => a * b, 1)).map((v) => 3 * v);
    const [expected] = await runOn(new ReferenceDevice(), [[x, shape]], gelu);
    const [actual] = await runOn(device!, [[x, shape]], gelu);
    expectGelu(x, actual, expected);
  });

  test.skipIf(skipped)("its gradient, and far out", async () => {
    const x = [...seededNormal(1, 21).map((v) => 3 * v), 0, 6, -6, 20, -20, 1e4, -1e4];
    for (const n of [0, 3, 257, 8195]) await expectReference(device!, [[seededNormal(n, n).map((v) => 3 * v), [n]]], gradientsOf(gelu), { absolute: 4e-6 });
    await expectGradients(device!, [[Float32Array.from(x), [x.length]]], gelu, { absolute: 2e-6, relative: 2e-6 });
  });

  test.skipIf(skipped)("far out it is x or nothing, at ±0 and among denormals half of x, and NaN stays", async () => {
    const x = Float32Array.of(3.92 * Math.SQRT2, 5.6, 10, 1e4, 1e30, 3e38, -5.6, -10, -1e4, -1e30, -3e38, 0, -0, 1e-40, -1e-40, 1e-45, 1e-37, NaN);
    const [y] = await runOn(device!, [[x, [x.length]]], gelu);
    expectGelu(x.subarray(0, 6), y, x);
    for (const v of y.subarray(6, 11)) expect(Math.abs(v)).toBeLessThan(1e-5);
    expectGelu(x.subarray(11, 17), y.subarray(11), x.subarray(11).map((v) => v / 2));
    expect(y[17]).toBeNaN();
  });
});
