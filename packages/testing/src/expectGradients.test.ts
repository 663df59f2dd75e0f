import { defineComposite, linear, mul, scale, sub, sum, type Tensor } from "@dictlearn/kernels";
import { expect, test } from "vitest";
import { devices } from "./devices.js";
import { expectGradients, gradientsOf } from "./expectGradients.js";
import { runOn } from "./expectReference.js";
import { seededNormal } from "./seeded.js";

const device = (await devices())[0].device!;
const given = [[seededNormal(1, 6), [2, 3]], [seededNormal(2, 6), [2, 3]]] as const;
/** a² b with the gradients that it is told to have. */
const product = (a: (a: Tensor, b: Tensor, y: Tensor) => Tensor, b: (a: Tensor, b: Tensor, y: Tensor) => Tensor) => {
  const op = defineComposite<{ a: Float32Array; b: Float32Array }, { y: Float32Array }>({
    name: "product",
    forward: ({ a, b }) => ({ y: mul(mul(a, a), b) }),
    vjp: ({ inputs, cotangents: { y } }) => ({ a: a(inputs.a, inputs.b, y), b: b(inputs.a, inputs.b, y) }),
  });
  return (a: Tensor, b: Tensor) => op({ a, b }, {}).y;
};
const rightA = (a: Tensor, b: Tensor, y: Tensor) => scale(mul(mul(a, b), y), 2);
const rightB = (a: Tensor, _: Tensor, y: Tensor) => mul(mul(a, a), y);

test("right gradients pass, to 1e-6", async () => {
  await expectGradients(device, given, product(rightA, rightB), { absolute: 2e-6 });
  await expectGradients(device, given, (x, w) => [linear(x, w), sum(x)], { absolute: 2e-6 });
});

test("wrong ones do not, and the input is named: a factor, a sign, one forgotten, off by 1e-4", async () => {
  const wrong: [string, ReturnType<typeof product>][] = [
    ["gradient in input 0", product((a, b, y) => mul(mul(a, b), y), rightB)],
    ["gradient in input 1", product(rightA, (a, b, y) => scale(rightB(a, b, y), -1))],
    ["gradient in input 1", product(rightA, (a) => sub(a, a))],
    ["gradient in input 0", product((a, b, y) => scale(rightA(a, b, y), 1.0001), rightB)],
  ];
  for (const [message, run] of wrong) await expect(expectGradients(device, given, run, { absolute: 2e-6 })).rejects.toThrow(message);
});

test("constants are left out", async () => {
  const [a] = await runOn(device, given, gradientsOf(product(rightA, rightB), [1]));
  const both = await runOn(device, given, gradientsOf(product(rightA, rightB)));
  expect(both).toHaveLength(2);
  expect(a).toEqual(both[0]);
  await expectGradients(device, given, product(rightA, (_a, _b, y) => y), { absolute: 2e-6, constant: [1] });
});
