import { readFileSync } from "node:fs";
import { add, copyRowsInto, type Device, geometricMedian, openRng, type Rng, type Tensor, valueAndGradients } from "@dictlearn/kernels";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { april, batchTopK, gated, gatedAnneal, jumpRelu, matryoshka, optionName, pAnneal, standard, stateDict, type StepLog, topK, type TrainerSpec } from "../index.js";
import { topKObjective, type Reconstruct } from "../training/topKFamily.js";
import { objective as aprilObjective } from "./april.js";
import { reconstruct as batchTopKReconstruct } from "./batchTopK.js";
import { objective as gatedObjective } from "./gated.js";
import { objective as gatedAnnealObjective } from "./gatedAnneal.js";
import { objective as jumpReluObjective, penalty } from "./jumpRelu.js";
import { reconstruct as matryoshkaReconstruct } from "./matryoshka.js";
import { objective as pAnnealObjective } from "./pAnneal.js";
import { objective as standardObjective } from "./standard.js";
import { reconstruct as topKReconstruct } from "./topK.js";

// What dictionary_learning's own trainers did in 60 steps, followed from the same start on the same data.
// A trainer more is a line in `runs` for each of its recorded runs, and one in `classes` for a class that is not there yet.

/** The JSON beside a recorded run: see oracles/trainers/README.md. */
interface Run {
  constructor_args: Record<string, never>;
  config_before_training: Record<string, unknown>;
  /** Among other things what was set from outside the constructor. */
  derived: { dead_feature_threshold?: number };
  resample_events: { step: number; dead: number[]; weights?: number[]; rows?: number[]; resampled?: number[] }[];
  per_step: Record<string, (number | null)[]>;
}
type Parameters = Readonly<Record<string, Tensor>>;

interface Followed {
  run: string;
  spec(options: never): TrainerSpec;
  class: keyof typeof classes;
  /** What is differentiated in a step, for the recorded gradients. `at` are the numbers of that step, by their recorded names; `silent` the counters before it. */
  loss(parameters: never, x: Tensor, at: (name: string) => number, silent: Tensor): Tensor;
  /** Step 0 first moves the decoder's bias to the batch's median, and gradients are taken after that. */
  median?: true;
  /** Raising a small number to a power below 1 loses digits: those runs have wider tolerances. */
  annealed?: true;
}

/** Recorded name → parameter; in dictionary_learning a linear layer's weight is [out,in]. */
const classes = {
  AutoEncoder: { bias: "decoderBias", "encoder.weight": "encoder", "encoder.bias": "encoderBias", "decoder.weight": "decoder" },
  GatedAutoEncoder: { decoder_bias: "decoderBias", "encoder.weight": "encoder", r_mag: "magnitudeLog", gate_bias: "gateBias", mag_bias: "magnitudeBias", "decoder.weight": "decoder" },
  AutoEncoderTopK: { b_dec: "decoderBias", "encoder.weight": "encoder", "encoder.bias": "encoderBias", "decoder.weight": "decoder" },
  MatryoshkaBatchTopKSAE: { W_enc: "encoder", b_enc: "encoderBias", W_dec: "decoder", b_dec: "decoderBias" },
  JumpReluAutoEncoder: { W_enc: "encoder", b_enc: "encoderBias", W_dec: "decoder", b_dec: "decoderBias", threshold: "threshold" },
};
const turned = new Set(["decoder.weight", "W_enc"]);

const l1 = (at: (name: string) => number) => 0.1 * at("sparsity_scale"); // l1_penalty of these runs
const before = (at: (name: string) => number) => ({ p: at("param/p before"), penalty: at("param/sparsity_coeff before") * at("sparsity_scale") });
/** A run of the TopK family: by these runs' `auxk_alpha` and their lowered `dead_feature_threshold`. */
const topKRun = (run: string, spec: Followed["spec"], kind: keyof typeof classes, reconstruct: Reconstruct): Followed => ({
  run,
  spec,
  class: kind,
  loss: (p, x, at, silent) => topKObjective(reconstruct, p, x, { k: at("k"), silent, anyDead: true, auxkAlpha: 1 / 32, deadFeatureThreshold: 160 }).loss,
  median: true,
});
const matryoshkaRun = (run: string, groupWeights: number[]) => topKRun(run, matryoshka, "MatryoshkaBatchTopKSAE", matryoshkaReconstruct({ groupSizes: [16, 16, 32], groupWeights }));
const jumpReluRun = (run: string, bandwidth: number, sparsityPenalty: number): Followed => ({
  run,
  spec: jumpRelu,
  class: "JumpReluAutoEncoder",
  loss(p, x, at) {
    const { mse, aboveThreshold } = jumpReluObjective(p, x, { bandwidth });
    return add(mse, penalty(aboveThreshold, { strength: sparsityPenalty * at("sparsity_scale"), targetL0: 6 }));
  },
});
const runs: Followed[] = [
  { run: "standard", spec: standard, class: "AutoEncoder", loss: (p, x, at) => standardObjective(p, x, { penalty: l1(at) }).loss },
  { run: "standard_decay", spec: standard, class: "AutoEncoder", loss: (p, x, at) => standardObjective(p, x, { penalty: l1(at) }).loss },
  { run: "april", spec: april, class: "AutoEncoder", loss: (p, x, at) => aprilObjective(p, x, { penalty: l1(at) }).loss },
  { run: "gated", spec: gated, class: "GatedAutoEncoder", loss: (p, x, at) => gatedObjective(p, x, { penalty: l1(at) }).loss },
  { run: "p_anneal", spec: pAnneal, class: "AutoEncoder", loss: (p, x, at) => pAnnealObjective(p, x, { ...before(at), sparsityFunction: "Lp" }).loss, annealed: true },
  { run: "p_anneal_resample", spec: pAnneal, class: "AutoEncoder", loss: (p, x, at) => pAnnealObjective(p, x, { ...before(at), sparsityFunction: "Lp^p" }).loss, annealed: true },
  { run: "gated_anneal", spec: gatedAnneal, class: "GatedAutoEncoder", loss: (p, x, at) => gatedAnnealObjective(p, x, { ...before(at), sparsityFunction: "Lp^p" }).loss, annealed: true },
  { run: "gated_anneal_lp", spec: gatedAnneal, class: "GatedAutoEncoder", loss: (p, x, at) => gatedAnnealObjective(p, x, { ...before(at), sparsityFunction: "Lp" }).loss, annealed: true },
  topKRun("topk", topK, "AutoEncoderTopK", topKReconstruct),
  topKRun("topk_k_anneal", topK, "AutoEncoderTopK", topKReconstruct),
  topKRun("batch_topk", batchTopK, "AutoEncoderTopK", batchTopKReconstruct),
  matryoshkaRun("matryoshka", [1 / 3, 1 / 3, 1 / 3]),
  matryoshkaRun("matryoshka_weighted", [0.5, 0.3, 0.2]),
  jumpReluRun("jumprelu", 0.2, 0.5),
  jumpReluRun("jumprelu_default_bandwidth", 0.001, 1),
];

const [D, F, B, steps] = [16, 64, 32, 60];
/** Counts and what follows from the step alone. */
const exact = new Set(["lr", "sparsity_scale", "k", "l0", "param/p", "param/next_p", "param/dead_features", "param/effective_l0"]);

describe.each(await devices())("on $name", ({ device, skipped }) => {
  test.skipIf(skipped).each(runs)("$run follows dictionary_learning for 60 steps", async ({ run, spec, class: kind, loss, median, annealed }) => {
    const recorded: Run = JSON.parse(readFileSync(oracle(`trainers/${run}.json`), "utf8"));
    const arrays = readOracle(`trainers/${run}.safetensors`);
    const { data } = readOracle("trainers/data.safetensors").x;
    /** A recorded state in our names and layout. */
    const state = (tag: string) => Object.fromEntries(Object.entries(classes[kind]).map(([saved, name]) => [name, turned.has(saved) ? transposed(arrays[`${tag}/${saved}`].data) : arrays[`${tag}/${saved}`].data])) as Record<string, Float32Array>;
    const options = Object.fromEntries(Object.entries(recorded.constructor_args).map(([name, value]) => [optionName(name), value]));
    const { dead_feature_threshold: deadFeatureThreshold } = recorded.derived;
    const has = (tag: string) => Object.keys(classes[kind]).every((name) => `${tag}/${name}` in arrays);
    const inUse = device!.bytesInUse;
    const trainer = spec({ features: F, ...options, ...(deadFeatureThreshold && { deadFeatureThreshold }) } as never).start({
      device: device!,
      D,
      steps,
      seed: 0,
      rng: (stream, index = 0) => (stream === "resample" ? recordedDraw(recorded, index) : openRng({ seed: 0, stream, index })),
      parameters: state("init"),
      origin: { layer: 0, lmName: "synthetic" },
    });
    // of the device it says where it is, dictionary_learning's is recorded on the CPU
    expect({ ...trainer.config, ...("device" in trainer.config && { device: "cpu" }) }).toEqual(recorded.config_before_training);

    const logs = gatherLogs(device!);
    for (let step = 0; step < steps; step++) {
      using x = device!.tensor(data.slice(step * B * D, (step + 1) * B * D) as Float32Array, [B, D]);
      if (has(`grad_${step}`)) {
        const at = (name: string) => (name.endsWith(" before") ? (step === 0 ? initially(recorded, name) : recorded.per_step[name.slice(0, -7)][step - 1]!) : recorded.per_step[name][step]!);
        const counted = (await trainer.save()).find(({ name }) => name === "counters/numTokensSinceFired");
        await device!.scope(() => {
          const silent = device!.tensor((counted?.data ?? new Uint32Array(F)) as Uint32Array, [F]);
          const parameters = median && step === 0 ? { ...trainer.parameters(), decoderBias: geometricMedian(x, { iterations: 100, tolerance: 1e-5 }) } : trainer.parameters();
          return expectState(valueAndGradients(parameters, (p) => loss(p as never, x, at, silent)).gradients, state(`grad_${step}`), annealed && step > 20 ? 1e-3 : 2e-5);
        });
      }
      logs.add(await trainer.step(x, step));

      const tag = `after_${step + 1}`;
      if (!has(tag)) continue;
      const tolerance = step < 2 ? 2e-6 : step < 10 ? 1e-5 : annealed && step > 21 ? 5e-3 : 5e-5;
      await expectState(trainer.parameters(), state(tag), tolerance);
      const saved = new Map((await trainer.save()).map((tensor) => [tensor.name, tensor.data]));
      const counters = Object.keys(arrays).filter((name) => name.startsWith(`${tag}/trainer.`));
      for (const name of counters) expect([...(saved.get(`counters/${optionName(name.slice(`${tag}/trainer.`.length))}`) as Uint32Array)]).toEqual([...arrays[name].data]);
      if (step + 1 === 10)
        for (const [moment, name] of [["exp_avg", "adam.m"], ["exp_avg_sq", "adam.v"]])
          for (const [parameter, expected] of Object.entries(state(`adam_10/${moment}`))) expectScaled(saved.get(`${name}/${parameter}`) as Float32Array, expected, 1e-5);
    }
    (await logs.read()).forEach((numbers, step) => expectLog(numbers, recorded, step, annealed ? 1e-3 : 1e-5));
    // what a file would hold is what dictionary_learning's state_dict held
    const saved = stateDict(trainer.saved, await trainer.weights());
    const prefix = "after_60/";
    expect(Object.keys(saved).sort()).toEqual(Object.keys(arrays).filter((name) => name.startsWith(prefix) && !name.includes("trainer.")).map((name) => name.slice(prefix.length)).sort());
    for (const [name, { shape, strides, data: values }] of Object.entries(saved)) {
      const expected = arrays[prefix + name];
      expect(shape).toEqual(expected.shape);
      const rows = Array.from(values as ArrayLike<number | bigint>, (value, at) => Number(strides ? values[(at % shape[1]) * shape[0] + Math.floor(at / shape[1])] : value));
      expectScaled(rows, expected.data as Float32Array, annealed ? 5e-3 : 5e-5);
    }
    trainer.dispose();
    expect(device!.bytesInUse).toBe(inUse);
  });
});

/** The logs of all steps, read at once: every wait for a software GPU is long. */
function gatherLogs(device: Device) {
  const room = 20; // numbers on the device a step
  const all = device.keep(device.zeros([steps * room, 1]));
  const logs: StepLog["parts"][] = [];
  const onDevice = (parts: StepLog["parts"]) => Object.entries(parts).filter((part): part is [string, Tensor] => typeof part[1] !== "number");
  return {
    add: ({ parts }: StepLog): void =>
      device.scope(() => {
        onDevice(parts).forEach(([, part], i) => copyRowsInto(all, part.reshape([1, 1]), { at: logs.length * room + i }));
        logs.push(parts);
      }),
    async read(): Promise<Record<string, number>[]> {
      const values = await all.read();
      all.dispose();
      return logs.map((parts, step) => ({ ...(parts as Record<string, number>), ...Object.fromEntries(onDevice(parts).map(([name], i) => [name, values[step * room + i]])) }));
    },
  };
}

/** The figures that were recorded for a step and that the trainer logs too: all of DL's own log, and the schedules. */
function expectLog(numbers: Record<string, number>, { per_step: recorded }: Run, step: number, relative: number): void {
  const names = Object.keys(recorded).filter((name) => recorded[name][step] !== null);
  const own = names.filter((name) => name === "loss" || name === "lr" || name === "sparsity_scale" || name === "k" || name === "l0" || name === "frac_variance_explained" || name === "grad_norm_before_clip" || name === "threshold_after" || /^(log|param)\//.test(name));
  for (const name of own) {
    const expected = recorded[name][step]!;
    const got = numbers[name.replace(/^(log|param)\/|_after$/, "")];
    const size = name === "frac_variance_explained" ? 1 - expected : expected; // what is computed is its distance from 1
    if (exact.has(name)) expect(got, `${name} at step ${step}`).toBe(expected);
    else expect(Math.abs(got - expected), `${name} at step ${step}: expected ${expected}, got ${got}`).toBeLessThanOrEqual(relative * Math.abs(size));
  }
}

/** p and the penalty in force in step 0. */
const initially = ({ config_before_training: config }: Run, name: string) => (name.startsWith("param/p ") ? config.p_start : config.sparsity_penalty) as number;

/** Every tensor within `tolerance` of the largest entry of what was recorded. */
async function expectState(actual: Parameters, expected: Record<string, Float32Array>, tolerance: number): Promise<void> {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, data] of Object.entries(expected)) expectScaled((await actual[name].read()) as Float32Array, data, tolerance);
}

const expectScaled = (actual: ArrayLike<number>, expected: Float32Array, tolerance: number) => expectClose(actual, expected, { absolute: tolerance * expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0) });

/** Random numbers from which the trainer draws the rows that were drawn then: row i of the draw comes i-th in the race. */
function recordedDraw({ resample_events: events }: Run, step: number): Pick<Rng, "uniform" | "normal"> {
  const { weights = [], rows = [] } = events.find((event) => event.step === step)!;
  const arrival = weights.map((_, row) => (rows.includes(row) ? 1e-3 * (1 + rows.indexOf(row)) : 1));
  return { uniform: () => Float32Array.from(weights, (weight, row) => -Math.expm1(-arrival[row] * weight)), normal: () => expect.unreachable("only uniform numbers are drawn") };
}

/** @param matrix [D,F] @returns [F,D] */
function transposed(matrix: ArrayLike<number>): Float32Array {
  return Float32Array.from({ length: matrix.length }, (_, at) => matrix[(at % D) * F + Math.floor(at / D)]);
}
