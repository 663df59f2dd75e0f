import { abs, add, copyRowsInto, defineComposite, defineOp, div, mean, mul, relu, scale, shift, sliceRows, square, stopGradient, sub, sum, valueAndGradients, type Tensor } from "@dictlearn/kernels";
import { devices, expectGradients, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

const double = defineOp<{ x: Float32Array }, { y: Float32Array }>({
  name: "double",
  outputs: ({ x }) => ({ y: { dtype: "f32", shape: x.shape } }),
  reference({ x }, { y }) {
    x.data.forEach((v, i) => (y.data[i] = 2 * v));
  },
  wgsl: ({ x }, { y }) => ({ code: "@compute @workgroup_size(1) fn main(@builtin(global_invocation_id) id: vec3u) { y[id.x] = 2 * x[id.x]; }", read: { x }, write: { y }, workgroups: [x.size] }),
});

describe.each(await devices())("gradients on $name", ({ device: found, skipped }) => {
  const device = found!;
  const vector = (...values: number[]) => device.tensor(Float32Array.from(values), [values.length]);
  const numbers = async (tensor: Tensor) => [...(await tensor.read())];

  test.skipIf(skipped)("the loss, other results, a gradient for each parameter by name", async () => {
    await device.scope(async () => {
      const [a, b, unused] = [vector(1, 2, 3), vector(4, 5, 6), vector(7)];
      const { value, gradients } = valueAndGradients({ a, b, unused }, (p) => {
        const product = mul(p.a, p.b);
        return { loss: sum(product), parts: { product, mean: mean(p.a) } };
      });
      expect(await numbers(value.loss)).toEqual([32]);
      expect(await numbers(value.parts.product)).toEqual([4, 10, 18]);
      expect(await numbers(value.parts.mean)).toEqual([2]);
      expect(await numbers(gradients.a)).toEqual([4, 5, 6]);
      expect(await numbers(gradients.b)).toEqual([1, 2, 3]);
      expect(await numbers(gradients.unused)).toEqual([0]);
    });
  });

  test.skipIf(skipped)("a tensor used twice adds up, a loss that is a parameter has slope 1, a constant loss none", async () => {
    await device.scope(async () => {
      const x = vector(3);
      const cubed = valueAndGradients({ x }, () => mul(mul(x, x), x)); // the parameter itself serves as well as p.x
      expect(await numbers(cubed.gradients.x)).toEqual([27]);
      expect(await numbers(valueAndGradients({ x }, (p) => p.x).gradients.x)).toEqual([1]);
      expect(await numbers(valueAndGradients({ x }, () => vector(5)).gradients.x)).toEqual([0]);
      expect(await numbers(valueAndGradients({ x }, (p) => sum(p.x.reshape([1, 1]))).gradients.x)).toEqual([1]);
    });
  });

  test.skipIf(skipped)("stopGradient is a constant", async () => {
    await device.scope(async () => {
      const { value, gradients } = valueAndGradients({ x: vector(3, 4) }, ({ x }) => sum(mul(stopGradient(x), x)));
      expect(await numbers(value)).toEqual([25]);
      expect(await numbers(gradients.x)).toEqual([3, 4]);
    });
  });

  test.skipIf(skipped)("the body may free what it made; all is freed but the results, also after an error", async () => {
    const x = vector(3, 4);
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    const { value, gradients } = valueAndGradients({ x }, (p) => {
      const squares = device.scope(() => mul(add(p.x, p.x), p.x));
      const loss = sum(squares);
      squares.dispose();
      return loss;
    });
    expect(await numbers(gradients.x)).toEqual([12, 16]);
    value.dispose();
    gradients.x.dispose();
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
    expect(() => valueAndGradients({ x }, (p) => sum(double({ x: mul(p.x, p.x) }, {}).y))).toThrow("double");
    expect(() => valueAndGradients({ x }, (p) => (mul(p.x, p.x), sub(p.x, vector(1, 2, 3))))).toThrow("sub: expected b");
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
    x.dispose();
  });

  test.skipIf(skipped)("what gradients read is freed as they are taken", () => {
    const bytes: number[] = [];
    const probe = defineComposite<{ x: Float32Array }, { y: Float32Array }>({
      name: "probe",
      forward: ({ x }) => ({ y: scale(x, 1) }),
      saves: [],
      vjp({ cotangents: { y } }) {
        bytes.push(device.bytesInUse);
        return { x: y };
      },
    });
    device.scope(() => {
      const x = device.zeros([4096]);
      valueAndGradients({ x }, (p) => sum(Array.from({ length: 6 }).reduce((v: Tensor) => probe({ x: square(v) }, {}).y, p.x)));
    });
    expect(bytes.map((now, i) => now - bytes[i + 1]).slice(0, 5)).toEqual(Array(5).fill(4 * 4096));
  });

  test.skipIf(skipped)("gradients have memory of their own, and belong to the scope around", async () => {
    let kept: Tensor[] = [];
    await device.scope(async () => {
      const [a, b] = [device.zeros([2, 1]), device.zeros([2, 1])];
      const { gradients } = valueAndGradients({ a, b }, (p) => sum(add(p.a, p.b)));
      kept = Object.values(gradients);
      copyRowsInto(gradients.a, device.tensor(Float32Array.of(9), [1, 1]), { at: 0 });
      expect(await numbers(gradients.a)).toEqual([9, 1]);
      expect(await numbers(gradients.b)).toEqual([1, 1]);
    });
    expect(kept.map(({ disposed }) => disposed)).toEqual([true, true]);
  });

  test.skipIf(skipped)("what has no gradient is named, where the loss depends on it and only there", async () => {
    await device.scope(async () => {
      const x = vector(1, 2);
      expect(() => valueAndGradients({ x }, (p) => sum(double({ x: p.x }, {}).y))).toThrow("double: expected a vjp for the gradient of x, got none in its definition");
      const { value, gradients } = valueAndGradients({ x }, (p) => ({ loss: sum(p.x), logged: double({ x: p.x }, {}).y }));
      expect(await numbers(value.logged)).toEqual([2, 4]);
      expect(await numbers(gradients.x)).toEqual([1, 1]);
      expect(await numbers(valueAndGradients({ x }, (p) => sum(mul(p.x, double({ x: stopGradient(p.x) }, {}).y))).gradients.x)).toEqual([2, 4]);
    });
  });

  test.skipIf(skipped)("misuse is named: one inside another, async, no scalar, no parameter, a change in place", () => {
    device.scope(() => {
      const x = device.zeros([2, 3]);
      const row = device.zeros([1, 3]);
      const loss = (p: { x: Tensor }) => sum(p.x);
      expect(() => valueAndGradients({ x }, () => valueAndGradients({ x }, loss).value)).toThrow("valueAndGradients: expected one at a time on a device, got one inside another");
      expect(() => valueAndGradients({ x }, (async () => Promise.reject(new Error("later"))) as never)).toThrow("expected a body that returns its loss, got a promise");
      expect(() => valueAndGradients({ x }, (p) => p.x)).toThrow("valueAndGradients: expected loss f32[1], got f32[2,3]");
      expect(() => valueAndGradients({ x }, () => ({}) as never)).toThrow("valueAndGradients: expected loss f32[1], got undefined");
      expect(() => valueAndGradients({}, () => row)).toThrow("expected parameters");
      expect(() => valueAndGradients({ x, y: x }, loss)).toThrow("expected parameters, each a tensor of its own, got x, y");
      expect(() => valueAndGradients({ x: device.zeros([2], "u32") }, loss)).toThrow("valueAndGradients: expected x f32[2], got u32[2]");
      const inside = (change: (p: { x: Tensor }) => void) => () => valueAndGradients({ x }, (p) => (change(p), sum(p.x)));
      expect(inside((p) => copyRowsInto(p.x, row, { at: 0 }))).toThrow("copyRowsInto: expected target apart from what gradients are taken of");
      expect(inside(() => copyRowsInto(stopGradient(x), row, { at: 0 }))).toThrow("copyRowsInto: expected target apart");
      expect(inside((p) => copyRowsInto(device.zeros([2, 3]), sub(p.x, row.reshape([3])), { at: 0 }))).toThrow("copyRowsInto: expected source apart");
      expect(inside((p) => (mul(p.x, row.reshape([3])), copyRowsInto(row, device.zeros([1, 3]), { at: 0 })))).toThrow("copyRowsInto: expected target apart"); // mul's gradient reads row
      expect(inside((p) => copyRowsInto(row, stopGradient(sliceRows(p.x, { start: 0, end: 1 })), { at: 0 }))).not.toThrow();
      expect(() => valueAndGradients({ x }, loss)).not.toThrow(); // none of it left a tape behind
    });
  });

  test.skipIf(skipped)("a vjp computes what is needed and is checked", () => {
    const asked: object[] = [];
    const product = (wrong?: object) =>
      defineComposite<{ a: Float32Array; b: Float32Array; ids?: Uint32Array }, { y: Float32Array }>({
        name: "product",
        forward: ({ a, b }) => ({ y: mul(add(a, b), b) }),
        saves: ["a", "b"],
        vjp({ inputs: { a, b }, cotangents: { y }, needs }) {
          asked.push({ ...needs });
          return wrong ?? { a: needs.a && mul(y, b), b: needs.b && mul(y, add(a, add(b, b))) };
        },
      });
    device.scope(() => {
      const [a, b] = [vector(1, 2), vector(3, 4)];
      valueAndGradients({ a }, (p) => sum(product()({ a: p.a, b, ids: device.zeros([1], "u32") }, {}).y));
      expect(asked).toEqual([{ a: true, b: false, ids: false }]);
      expect(() => valueAndGradients({ a, b }, (p) => sum(product({ a })(p, {}).y))).toThrow("product: expected its vjp to give the gradient of b, got none");
      expect(() => valueAndGradients({ a }, () => sum(product({ a: device.zeros([3]) })({ a, b }, {}).y))).toThrow("product: expected its vjp to give a as f32[2], got f32[3]");
      expect(() => product()({ a, b: device.zeros([2, 1]) }, {})).toThrow("add: expected b f32[2] or f32[1], got f32[2,1]");
    });
  });

  test.skipIf(skipped)("a composite with a vjp of its own obeys the law", async () => {
    const product = defineComposite<{ a: Float32Array; b: Float32Array }, { sum: Float32Array; y: Float32Array }>({
      name: "product",
      forward({ a, b }) {
        const both = add(a, b);
        return { sum: both, y: mul(both, b) };
      },
      saves: ["a", "b"],
      vjp: ({ inputs: { a, b }, cotangents: { sum, y }, needs }) => ({ a: needs.a && add(sum, mul(y, b)), b: needs.b && add(sum, mul(y, add(a, add(b, b)))) }),
    });
    const given = [[seededNormal(1, 6), [2, 3]], [seededNormal(2, 6), [2, 3]]] as const;
    await expectGradients(device, given, (a, b) => Object.values(product({ a, b }, {})), { absolute: 1e-5 });
    await expectGradients(device, given, (a, b) => product({ a, b }, {}).y, { absolute: 1e-5 });
  });
});

describe.each(await devices())("docs/kernels.md on $name", ({ device, skipped }) => {
  test.skipIf(skipped)("a step function that learns through a window", async () => {
    const positive = (x: Tensor) => div(relu(x), shift(abs(x), 1e-30));
    const step = defineComposite<{ x: Float32Array }, { y: Float32Array }, { width: number }>({
      name: "step",
      forward: ({ x }) => ({ y: positive(x) }),
      saves: ["x"],
      vjp: ({ inputs: { x }, cotangents: { y }, params: { width } }) => {
        const inside = positive(shift(scale(abs(x), -1), width / 2));
        return { x: mul(y, scale(inside, 1 / width)) };
      },
    });
    await device!.scope(async () => {
      const x = device!.tensor(Float32Array.of(-3, -0.5, 0, 0.5, 3), [5]);
      const { value, gradients } = valueAndGradients({ x }, (p) => {
        const y = step({ x: p.x }, { width: 2 }).y;
        return { loss: sum(y), y };
      });
      expect([...(await value.y.read())]).toEqual([0, 0, 0, 1, 1]);
      expect([...(await gradients.x.read())].map(Math.abs)).toEqual([0, 0.5, 0.5, 0.5, 0]);
    });
  });
});

test("parameters of two devices do not mix", async () => {
  const [one, two] = await devices();
  const [a, b] = [one.device!.zeros([1]), two.device!.zeros([1])];
  expect(() => valueAndGradients({ a, b }, (p) => p.a)).toThrow("valueAndGradients: expected b on the device of a (cpu (WebAssembly SIMD, 1 thread)), got f32[1] on cpu (WebAssembly SIMD, 2 threads)");
  a.dispose();
  b.dispose();
});
