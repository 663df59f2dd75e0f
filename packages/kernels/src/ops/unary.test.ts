import { abs, exp, log, mul, pow, relu, scale, shift, sqrt, square, sum, valueAndGradients, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, expectReference, gradientsOf, runOn, seededNormal, seededUniform } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

/** `relative` is what WGSL allows over these inputs: exp 3 + 2|x| ULP, log2 2^-21 near 1, pow by both. */
const positive = (n: number) => seededNormal(n, n).map((v) => 0.05 + v * v);
const signed = (n: number) => seededNormal(n, n).map((v) => 2 * v);
const cases: { name: string; op: (x: Tensor) => Tensor; inputs: (n: number) => Float32Array; absolute?: number; relative?: number }[] = [
  { name: "relu", op: relu, inputs: signed },
  { name: "square", op: square, inputs: signed },
  { name: "sqrt", op: sqrt, inputs: positive, relative: 4 * 2 ** -23 },
  { name: "abs", op: abs, inputs: signed },
  { name: "exp", op: exp, inputs: signed, relative: 25 * 2 ** -23 },
  { name: "log", op: log, inputs: positive, absolute: 2 ** -21, relative: 4 * 2 ** -23 },
  { name: "pow 0.5", op: (x) => pow(x, 0.5), inputs: positive, relative: 1e-5 },
  { name: "pow 0.9", op: (x) => pow(x, 0.9), inputs: positive, relative: 1e-5 },
  { name: "pow -1.5", op: (x) => pow(x, -1.5), inputs: positive, relative: 2e-5 },
  { name: "pow 3", op: (x) => pow(x, 3), inputs: signed, relative: 2e-5 },
  { name: "pow 4", op: (x) => pow(x, 4), inputs: signed, relative: 2e-5 },
  { name: "pow 0", op: (x) => pow(x, 0), inputs: signed },
  { name: "scale", op: (x) => scale(x, -2.5), inputs: signed },
  { name: "shift", op: (x) => shift(x, 0.75), inputs: signed, absolute: 2 ** -22 },
];

describe.each(await devices())("on $name", ({ device: found, skipped }) => {
  const device = found!;

  describe.each(cases)("$name", ({ op, inputs, absolute, relative }) => {
    test.skipIf(skipped).each([[0], [1], [3], [257], [8193], [5, 7], [2, 3, 5]])("agrees with the reference, as its gradient does, f32[%s, ...]", async (...shape) => {
      await expectReference(device, [[inputs(shape.reduce((a, b) => a * b, 1)), shape]], op, { absolute, relative });
      await expectReference(device, [[inputs(shape.reduce((a, b) => a * b, 1)), shape]], gradientsOf(op), { absolute: 1e-6, relative: 3e-5 });
    });

    test.skipIf(skipped)("its gradient", async () => {
      await expectGradients(device, [[inputs(13), [13]]], op, { absolute: 1e-6, relative: 3e-5 });
    });
  });

  test.skipIf(skipped)("at the ends of the range", async () => {
    const x = Float32Array.of(0, 1, Infinity, 1e-37, 3e38, NaN, 88.5, 89, -104);
    const on = async (op: (x: Tensor) => Tensor) => [...(await runOn(device, [[x, [x.length]]], op))[0]!];
    const near = (actual: number[], expected: number[]) => actual.forEach((v, i) => (Number.isFinite(expected[i]) && expected[i] !== 0 ? expect(v / expected[i]!, `${i}`).toBeCloseTo(1, 4) : expect(v, `${i}`).toEqual(expected[i])));
    near((await on(exp)).filter((_, i) => i !== 5 && i !== 8), [1, Math.E, Infinity, 1, Infinity, Math.exp(88.5), Infinity]);
    expect((await on(exp))[5]).not.toBeLessThan(Infinity); // WGSL may make infinity of NaN
    expect((await on(exp))[8]).toBeLessThan(1e-38);
    near((await on(log)).slice(1, 5), [0, Infinity, Math.log(1e-37), Math.log(3e38)]);
    near((await on((v) => pow(v, 0.5))).slice(0, 5), [0, 1, Infinity, Math.sqrt(1e-37), Math.sqrt(3e38)]);
    expect((await on(relu)).slice(0, 5)).toEqual([...x.subarray(0, 5)]);
    expect((await on(relu))[5]).toBeNaN();
    expect(await on((v) => pow(v, 0))).toEqual(Array(9).fill(1));
  });

  test.skipIf(skipped)("slopes where a function has none or an infinite one: nothing flows", async () => {
    await device.scope(async () => {
      const x = device.tensor(Float32Array.of(0, -0, 4), [3]);
      const slopes = async (op: (x: Tensor) => Tensor) => [...(await valueAndGradients({ x }, (p) => sum(mul(op(p.x), device.tensor(Float32Array.of(1, 0, 1), [3])))).gradients.x.read())].map((v) => v + 0);
      expect(await slopes(relu)).toEqual([0, 0, 1]);
      expect(await slopes(abs)).toEqual([0, 0, 1]);
      expect((await slopes(sqrt)).slice(1)).toEqual([0, 0.25]);
      for (const exponent of [0.5, 0, 1, -1, 2]) expect((await slopes((v) => pow(v, exponent))).slice(0, 2)).toEqual([0, 0]);
    });
  });

  test.skipIf(skipped)("what does not fit is named", () => {
    device.scope(() => {
      expect(() => relu(device.zeros([4], "u32"))).toThrow("relu: expected x f32[4], got u32[4]");
      expect(() => scale(device.zeros([4]), device.zeros([1]) as never)).toThrow("affine: expected numbers, got object and number");
    });
  });
});

describe.each((await devices()).filter(({ device }) => device?.kind === "cpu"))("on $name", ({ device }) => {
  test("exp, log and powers keep four parts in ten million over their whole range", async () => {
    const x = seededUniform(1, 20_000).map((u) => 174 * u - 86); // results stay normal numbers
    const given = [[x, [20_000]]] as const;
    await expectReference(device!, given, exp, { relative: 4e-7 });
    const wide = [[x.map(Math.exp), [20_000]]] as const;
    await expectReference(device!, wide, log, { relative: 4e-7 });
    await expectReference(device!, wide, (v) => pow(v, 0.02), { relative: 6e-7 });
    await expectReference(device!, [[Float32Array.of(1e-39, 1e-42, 1.4e-45, 1.1e-38), [4]]], log, { relative: 4e-7 });
  });
});
