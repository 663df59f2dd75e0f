import {
  add, decodeGroups, decodeSparse, encodeBatchTopK, encodeGated, encodeRelu, encodeTopK, encodeTopKDead, mean, pow, scale, square, stopGradient, sub, sum, sumPowers, valueAndGradients, type Tensor,
} from "@dictlearn/kernels";
import { devices, expectGradients, runOn, seededNormal, type Input } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";

// Whole losses of dictionaries: what the ops promise one by one must hold when a tape strings them together.

const given = (B: number, D: number, F: number): Input[] => [
  [seededNormal(1, B * D), [B, D]],
  [seededNormal(2, F * D), [F, D]],
  [seededNormal(3, F).map((v) => 0.2 * v), [F]],
  [seededNormal(4, F * D), [F, D]],
  [seededNormal(5, D), [D]],
];
const dead = (F: number): Input => [Uint32Array.from({ length: F }, (_, f) => (f % 3 ? 0 : 1)), [F]];
const squared = (error: Tensor) => scale(sum(square(error)), 1 / error.shape[0]);

type Loss = (x: Tensor, encoder: Tensor, bias: Tensor, decoder: Tensor, centre: Tensor, ...more: Tensor[]) => Tensor;
const losses: Record<string, { more?: (F: number) => Input[]; loss: Loss }> = {
  "ReLU with L1": {
    loss(x, encoder, bias, decoder, centre) {
      const f = encodeRelu(sub(x, centre), encoder, bias);
      return add(squared(sub(decodeSparse(f, decoder, centre), x)), scale(mean(sumPowers(f, { p: 1 })), 0.1));
    },
  },
  "ReLU with the norm of p = 1/2": {
    loss(x, encoder, bias, decoder, centre) {
      const f = encodeRelu(sub(x, centre), encoder, bias);
      return add(squared(sub(decodeSparse(f, decoder, centre), x)), scale(mean(pow(sumPowers(f, { p: 0.5 }), 2)), 0.01));
    },
  },
  "TopK, the dead learning what is left over": {
    more: (F) => [dead(F)],
    loss(x, encoder, bias, decoder, centre, mask) {
      const centred = sub(x, centre);
      const error = sub(x, decodeSparse(encodeTopK(centred, encoder, bias, { k: 2 }), decoder, centre));
      const revived = decodeSparse(encodeTopKDead(centred, encoder, bias, mask, { k: 2 }), decoder);
      return add(squared(error), scale(squared(sub(revived, error)), 1 / 32));
    },
  },
  "BatchTopK in Matryoshka groups": {
    loss(x, encoder, bias, decoder, centre) {
      const f = encodeBatchTopK(sub(x, centre), encoder, bias, { k: 3 });
      return decodeGroups(f, decoder, centre, { groups: [2, 3, f.shape[1] - 5] })
        .map((sum) => scale(squared(sub(sum, x)), 1 / 3))
        .reduce((all, part) => add(all, part));
    },
  },
  gated: {
    more: (F) => [6, 7].map((seed) => [seededNormal(seed, F).map((v) => 0.2 * v), [F]]),
    loss(x, encoder, bias, decoder, centre, magnitudeBias, r) {
      const { features, gates } = encodeGated(sub(x, centre), encoder, bias, magnitudeBias, r);
      return add(squared(sub(decodeSparse(features, decoder, centre), x)), scale(mean(sumPowers(gates, { p: 1 })), 0.1));
    },
  },
};

describe.each(await devices())("losses of dictionaries on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each(Object.entries(losses))("%s: gradients in every parameter and in x are finite differences", async (_, { more, loss }) => {
    const F = 9;
    await expectGradients(device, [...given(4, 3, F), ...(more?.(F) ?? [])], (...t) => loss(...(t as Parameters<Loss>)), { absolute: 2e-5, relative: 2e-5 });
  });

  test.skipIf(skipped)("memory is flat from step 3 on, and a step leaves only what it returns", async () => {
    const tensors = [...given(16, 5, 33), dead(33)].map(([data, shape]) => device.tensor(data, shape)) as Parameters<Loss>;
    const [x, encoder, bias, decoder, centre, mask] = tensors;
    const step = () => {
      const { value, gradients } = valueAndGradients({ encoder, bias, decoder, centre }, (p) => losses["TopK, the dead learning what is left over"].loss(x, p.encoder, p.bias, p.decoder, p.centre, mask));
      for (const tensor of [value, ...Object.values(gradients)]) tensor.dispose();
    };
    for (let i = 0; i < 3; i++) step();
    await device.idle();
    const [live, bytes] = [device.scopes.live, device.bytesInUse];
    for (let i = 0; i < 10; i++) step();
    await device.idle();
    expect([device.scopes.live, device.bytesInUse]).toEqual([live, bytes]);
    for (const tensor of tensors) tensor.dispose();
  });
});

test("one thread and two give the same bytes, for every loss and its gradients", async () => {
  const [one, two] = (await devices()).flatMap(({ device }) => (device?.exact ? [device] : []));
  const F = 300;
  for (const { more, loss } of Object.values(losses)) {
    const run = (...t: Tensor[]) => {
      const [x, encoder, bias, decoder, centre, ...rest] = t as Parameters<Loss>;
      const { value, gradients } = valueAndGradients({ encoder, bias, decoder, centre }, (p) => loss(stopGradient(x), p.encoder, p.bias, p.decoder, p.centre, ...rest));
      return [value, ...Object.values(gradients)];
    };
    const inputs = [...given(70, 37, F), ...(more?.(F) ?? [])];
    expect(await runOn(two, inputs, run)).toEqual(await runOn(one, inputs, run));
  }
});
