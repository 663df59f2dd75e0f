import {
  add, atLeast, decodeGroups, decodeSparse, div, encodeBatchTopK, encodeGated, encodeJumpRelu, encodeTopK, encodeTopKDead, firedFeatures, jumpReluL0, scale, shift, square, stopGradient, sub, sum, sumColumns, sumPowers, trackFiredInto, valueAndGradients, type Device, type SparseFeatures, type Tensor,
} from "@dictlearn/kernels";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { readFileSync } from "node:fs";
import { describe, test } from "vitest";

// Losses and gradients of dictionary_learning's trainers (oracles/trainers), from these ops: after 0 and 10 steps.

const [B, D, F] = [32, 16, 64];
const data = readOracle("trainers/data.safetensors").x.data;

const turned = (values: ArrayLike<number>, rows: number): Float32Array => {
  const columns = values.length / rows;
  return Float32Array.from({ length: values.length }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
};

type Parameters = Record<string, Tensor>;
interface Run {
  /** Of the recorded tensors those that are stored the other way round: [D,F]. */
  turn: string;
  /** After how many steps; the family of TopK sets b_dec within step 0. */
  steps: readonly number[];
  /** Loss of a step; `sparsity` is the recorded scale of that step, `silent` the tokens since each feature fired, before it. */
  loss(p: Parameters, x: Tensor, at: { sparsity: number; silent: Tensor }): Tensor;
}
/** Mean over the rows of the squared length. */
const squared = (error: Tensor): Tensor => scale(sum(square(error)), 1 / B);

/** What the dead can explain of the error, in units of its variance; 8 of them, those silent for 160 tokens. */
function auxiliary(p: { encoder: Tensor; bias: Tensor; decoder: Tensor }, centred: Tensor, error: Tensor, dead: Tensor): Tensor {
  const rest = stopGradient(error);
  const variance = squared(sub(rest, scale(sumColumns(rest), 1 / B)));
  return scale(div(squared(sub(rest, decodeSparse(encodeTopKDead(centred, p.encoder, p.bias, dead, { k: 8 }), p.decoder))), variance), 1 / 32);
}
function deadAfter(silent: Tensor, fired: Tensor): Tensor {
  trackFiredInto(silent, fired, { n: B });
  return atLeast(silent, { least: 160 });
}

const jumpRelu = (bandwidth: number, penalty: number): Run => ({
  turn: "W_enc",
  steps: [0, 10],
  loss(p, x, { sparsity }) {
    const jump = encodeJumpRelu(x, p.W_enc, p.b_enc, p.threshold, { bandwidth });
    const excess = shift(scale(jumpReluL0(jump, p.threshold, { bandwidth }), 1 / 6), -1);
    return add(squared(sub(decodeSparse(jump.features, p.W_dec, p.b_dec), x)), scale(square(excess), penalty * sparsity));
  },
});

/** @param fired what counts as a sign of life: to be selected, or to be positive */
const topK = (encode: (x: Tensor, encoder: Tensor, bias: Tensor) => SparseFeatures, fired: { positive: boolean }): Run => ({
  turn: "decoder.weight",
  steps: [10],
  loss(p, x, { silent }) {
    const named = { encoder: p["encoder.weight"], bias: p["encoder.bias"], decoder: p["decoder.weight"] };
    const centred = sub(x, p.b_dec);
    const features = encode(centred, named.encoder, named.bias);
    const error = sub(x, decodeSparse(features, named.decoder, p.b_dec));
    return add(squared(error), auxiliary(named, centred, error, deadAfter(silent, firedFeatures(features, fired))));
  },
});

const runs: Record<string, Run> = {
  jumprelu: jumpRelu(0.2, 0.5),
  jumprelu_default_bandwidth: jumpRelu(0.001, 1),
  gated: {
    turn: "decoder.weight",
    steps: [0, 10],
    loss(p, x, { sparsity }) {
      const { features, gates } = encodeGated(sub(x, p.decoder_bias), p["encoder.weight"], p.gate_bias, p.mag_bias, p.r_mag);
      const gated = decodeSparse(gates, stopGradient(p["decoder.weight"]), stopGradient(p.decoder_bias));
      const parts = [squared(sub(decodeSparse(features, p["decoder.weight"], p.decoder_bias), x)), scale(sum(sumPowers(gates, { p: 1 })), (0.1 * sparsity) / B), squared(sub(gated, x))];
      return parts.reduce((all, part) => add(all, part));
    },
  },
  topk: topK((x, encoder, bias) => encodeTopK(x, encoder, bias, { k: 4 }), { positive: false }),
  batch_topk: topK((x, encoder, bias) => encodeBatchTopK(x, encoder, bias, { k: 4 }), { positive: true }),
  matryoshka: {
    turn: "W_enc",
    steps: [10],
    loss(p, x, { silent }) {
      const centred = sub(x, p.b_dec);
      const features = encodeBatchTopK(centred, p.W_enc, p.b_enc, { k: 4 });
      const errors = decodeGroups(features, p.W_dec, p.b_dec, { groups: [16, 16, 32] }).map((y) => sub(x, y));
      const dead = deadAfter(silent, firedFeatures(features, { positive: true }));
      // the mean over three groups of weights 1/3
      return [...errors.map((error) => scale(squared(error), 1 / 9)), auxiliary({ encoder: p.W_enc, bias: p.b_enc, decoder: p.W_dec }, centred, errors[2], dead)].reduce((all, part) => add(all, part));
    },
  },
};

/** The parameters that have recorded gradients, features first, and the counters. */
function recorded(device: Device, name: string, step: number, turn: string) {
  const arrays = readOracle(`trainers/${name}.safetensors`);
  const at = step === 0 ? "init" : `after_${step}`;
  const names = Object.keys(arrays).flatMap((key) => (key.startsWith(`grad_${step}/`) ? [key.slice(key.indexOf("/") + 1)] : []));
  const oriented = (from: string, of: string) => {
    const { shape, data } = arrays[`${from}/${of}`];
    return of === turn ? { shape: [F, D], data: turned(data, shape[0]) } : { shape, data: Float32Array.from(data) };
  };
  const parameters = Object.fromEntries(names.map((of) => [of, device.tensor(oriented(at, of).data, oriented(at, of).shape)]));
  const gradients = Object.fromEntries(names.map((of) => [of, oriented(`grad_${step}`, of).data]));
  const silent = arrays[`${at}/trainer.num_tokens_since_fired`]?.data ?? new Int32Array(F);
  return { parameters, gradients, silent: device.tensor(Uint32Array.from(silent), [F]) };
}

describe.each(await devices())("dictionary_learning's losses on $name", ({ device: found, skipped }) => {
  const device = found!;

  test.skipIf(skipped).each(Object.entries(runs).flatMap(([name, { steps }]) => steps.map((step) => [name, step] as const)))("%s at step %i: loss and every gradient", async (name, step) => {
    const { turn, loss } = runs[name];
    const { per_step } = JSON.parse(readFileSync(oracle(`trainers/${name}.json`), "utf8")) as { per_step: Record<string, number[]> };
    await device.scope(async () => {
      const { parameters, gradients: expected, silent } = recorded(device, name, step, turn);
      const x = device.tensor(Float32Array.from(data.subarray(step * B * D, (step + 1) * B * D)), [B, D]);
      const { value, gradients } = valueAndGradients(parameters, (p) => loss(p, x, { sparsity: per_step.sparsity_scale?.[step] ?? 1, silent }));
      expectClose(await value.read(), [per_step.loss[step]], { relative: 2e-6 });
      for (const [of, wanted] of Object.entries(expected)) {
        const largest = wanted.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
        expectClose(await gradients[of].read(), wanted, { absolute: 3e-6 * largest });
      }
    });
  });
});
