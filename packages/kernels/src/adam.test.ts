import { adam, add, clipNormInto, linear, matmul, relu, scale, sub, sum, sumSquares, valueAndGradients, type Device, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, expectGradients, readOracle, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

// A ReLU autoencoder, as a user writes one: mean squared error and L1 (Bricken et al. 2023).
type Parameters = Record<"encoder" | "encoderBias" | "decoder" | "bias", Tensor>;

/** @param x f32[B,D] @returns f32[1]: |x - y|² + 0.1 Σ f, means over the batch */
function loss(x: Tensor, p: Parameters): Tensor {
  const f = relu(linear(sub(x, p.bias), p.encoder, p.encoderBias)); // [B,F]
  const y = add(matmul(f, p.decoder), p.bias); // [B,D]
  const [B] = x.shape;
  return add(scale(sumSquares(sub(x, y)), 1 / B), scale(sum(f), 0.1 / B));
}
const shapes = (D: number, F: number) => ({ encoder: [F, D], encoderBias: [F], decoder: [F, D], bias: [D] });

const oracle = readOracle("gradients/gradients.safetensors");
const of = (name: string) => oracle[`autoencoder.${name}`];
const [steps, B, D] = of("x").shape;

/** Training from a seed, `count` steps of Adam: yields each loss, f32[1]. */
async function* train(device: Device, count: number, { B, D, F }: { B: number; D: number; F: number }) {
  const parameters = Object.fromEntries(Object.entries(shapes(D, F)).map(([name, shape], i) => [name, device.tensor(seededNormal(i, shape.reduce((a, b) => a * b)).map((v) => 0.3 * v), shape)])) as Parameters;
  const optimiser = adam();
  const state = optimiser.init(parameters);
  try {
    for (let step = 0; step < count; step++) {
      const value = device.scope(() => {
        const x = device.tensor(seededNormal(100 + (step % 4), B * D), [B, D]);
        const { value, gradients } = valueAndGradients(parameters, (p) => loss(x, p));
        clipNormInto(Object.values(gradients), { max: 1 });
        optimiser.updateInto(parameters, gradients, state, { lr: 0.01 });
        return value;
      });
      yield { loss: value, parameters };
      value.dispose();
    }
  } finally {
    for (const tensor of [parameters, state.m, state.v].flatMap((record) => Object.values(record))) tensor.dispose();
  }
}

describe.each(await devices())("a tape and Adam on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped)("the gradient of an autoencoder's loss obeys the law", async () => {
    const [D, F] = [4, 6];
    const parameters = Object.values(shapes(D, F)).map((shape, i) => [seededNormal(i, shape.reduce((a, b) => a * b)), shape] as const);
    const run = (x: Tensor, encoder: Tensor, encoderBias: Tensor, decoder: Tensor, bias: Tensor) => loss(x, { encoder, encoderBias, decoder, bias });
    await expectGradients(device, [[seededNormal(9, 3 * D), [3, D]], ...parameters], run as never, { absolute: 1e-5, relative: 1e-5 });
  });

  test.skipIf(skipped)("20 steps follow torch: gradients, losses, the norm before clipping, parameters", async () => {
    await device.scope(async () => {
      const names = Object.keys(shapes(1, 1)) as (keyof Parameters)[];
      const parameters = Object.fromEntries(names.map((name) => [name, device.tensor(of(`init.${name}`).data as Float32Array, of(`init.${name}`).shape)])) as Parameters;
      const optimiser = adam({ betas: [0.9, 0.999], epsilon: 1e-8 });
      const state = optimiser.init(parameters);
      for (let step = 0; step < steps; step++) {
        const x = device.tensor((of("x").data as Float32Array).subarray(step * B * D, (step + 1) * B * D), [B, D]);
        const { value, gradients } = valueAndGradients(parameters, (p) => loss(x, p));
        expectClose(await value.read(), [of("loss").data[step]], { relative: 2e-6 });
        if (step === 0) for (const name of names) expectClose(await gradients[name].read(), of(`gradient.${name}`).data, { absolute: 2e-6, relative: 1e-5 });
        if (step >= 10) expectClose(await clipNormInto(Object.values(gradients), { max: 1 }).read(), [of("norm").data[step - 10]], { relative: 5e-6 });
        optimiser.updateInto(parameters, gradients, state, { lr: 0.02 });
        const recorded = `after_${step + 1}`;
        if (`autoencoder.${recorded}.bias` in oracle) for (const name of names) expectClose(await parameters[name].read(), of(`${recorded}.${name}`).data, { absolute: 2e-5 });
      }
      expect(state.step).toBe(steps);
    });
  });

  test.skipIf(skipped)("300 steps: the loss falls, memory stays as it was after ten", async () => {
    const losses: number[] = [];
    const memory: string[] = [];
    const inUse = () => `${device.scopes.live} tensors, ${device.bytesInUse} bytes`;
    const before = inUse();
    for await (const { loss } of train(device, 300, { B: 8, D: 3, F: 7 })) {
      if (memory.length % 50 === 0 || memory.length === 299) losses.push((await loss.read())[0]);
      memory.push(inUse());
    }
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]);
    expect(memory).toHaveLength(300);
    expect([...new Set(memory.slice(9))]).toEqual([memory[9]]);
    expect(inUse()).toBe(before);
  });
});

test("training gives the same bytes on one thread and on two", async () => {
  const bits = async (device: Device) => {
    const all: number[] = [];
    for await (const { loss, parameters } of train(device, 8, { B: 70, D: 37, F: 301 })) {
      all.push((await loss.read())[0]);
      for (const tensor of Object.values(parameters)) all.push(...new Uint32Array((await tensor.read()).buffer));
    }
    return all;
  };
  const [one, two] = (await devices()).flatMap(({ device }) => (device?.exact ? [device] : []));
  expect(await bits(two)).toEqual(await bits(one));
});
