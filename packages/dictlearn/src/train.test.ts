import { type ActivationSource } from "@dictlearn/activations";
import { type Device } from "@dictlearn/kernels";
import { gated, standard, topK } from "@dictlearn/sae";
import { devices, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { normFactors, openBuffer, train, type Training, type TrainOptions } from "./index.js";

const widths = { "layers.0.mlp_out": 6, final_norm: 10 };
const N = 400;
const numbers = Object.fromEntries(Object.entries(widths).map(([site, D], i) => [site, seededNormal(i + 1, N * D)]));

/** Activations that lie in memory, 20 rows of a token at a time from row `at` on; a token's id is its row. */
function source(device: Device, at = 0): ActivationSource & { widths: typeof widths } {
  const run = (tokens: Uint32Array) =>
    Object.fromEntries(Object.entries(widths).map(([site, D]) => [site, device.tensor(Float32Array.from({ length: tokens.length * D }, (_, i) => numbers[site][tokens[Math.floor(i / D)] * D + (i % D)]), [tokens.length, D])]));
  return {
    device,
    widths,
    rerun: async ({ tokens }) => run(tokens),
    async next() {
      const tokens = Uint32Array.from({ length: Math.min(20, N - at) }, (_, i) => at + i);
      if (tokens.length === 0) return undefined;
      at += tokens.length;
      return { rows: { tokens, start: Uint32Array.from({ length: tokens.length + 1 }, (_, i) => i) }, activations: run(tokens), cursor: at };
    },
  };
}

const twoSpecs = [standard({ features: 16, lr: 0.01, resampleSteps: 7 }), topK({ features: 24, k: 3 })];
const all: TrainOptions = { tokens: 320, batchSize: 16, bufferTokens: 64, seed: 5 };

/** All that a training holds, as bits. */
async function bits(training: Training): Promise<number[][]> {
  const saved = await Promise.all(training.trainees.map(({ trainer }) => trainer.save()));
  return saved.flat().map(({ data }) => [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}
async function drain(training: Training, most = Infinity) {
  const steps = [];
  for (let step = await training.next(); step; step = await training.next()) if (steps.push(step) >= most) break;
  return steps;
}

describe.each(await devices())("on $name", ({ device, skipped }) => {
  const software = device?.kind === "webgpu"; // slow: less of all
  const options: TrainOptions = software ? { tokens: 128, batchSize: 16, bufferTokens: 48, seed: 5 } : all;
  const specs = software ? twoSpecs.slice(1) : twoSpecs;

  test.skipIf(skipped)("a state goes on bit for bit, through JSON, with the norm factors that were measured", async () => {
    let measured = 0;
    const opened = (state?: TrainOptions["state"]) =>
      train(source(device!, (state?.buffer.json.cursor as number) ?? 0), specs, {
        ...options,
        state,
        async normFactors() {
          measured++;
          return normFactors(openBuffer(source(device!), { batchSize: 16, capacity: options.bufferTokens, seed: 5, tokens: options.tokens }));
        },
      });
    const whole = opened();
    await drain(whole);
    const expected = await bits(whole);
    const ks = software ? [3] : [0, 1, 6, 13, 20];
    for (const k of ks) {
      const first = opened();
      if (k > 0) await drain(first, k);
      expect(first.step).toBe(k);
      const state = await first.state();
      expect(state.buffer.tensors.some(({ name }) => name.startsWith("activations."))).toBe(!device!.exact && k > 0 && k < 20); // what may not come twice is saved
      const second = opened({ ...state, buffer: { ...state.buffer, json: JSON.parse(JSON.stringify(state.buffer.json)) } });
      expect(second.normFactor("final_norm")).toBe(first.normFactor("final_norm"));
      await drain(second);
      expect(await bits(second)).toEqual(expected);
      for (const training of [first, second]) training.dispose();
    }
    expect(measured).toBe(1 + ks.length); // the state of step 0 has none yet
    expect(whole.normFactor("final_norm")).toBeCloseTo(Math.sqrt(10), 0); // of standard normal numbers
    whole.dispose();
  });
});

const cpus = (await devices()).flatMap(({ device }) => (device?.kind === "cpu" ? [device] : []));
describe.each(cpus)("on $label", (device) => {
  test("each dictionary is what it would be alone, and nothing stays on the device", async () => {
    const before = device.bytesInUse;
    const both = train(source(device), twoSpecs, all);
    const taken = await drain(both);
    expect(taken.map(({ step }) => step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(taken.at(-1)).toMatchObject({ tokens: 320, loss: taken.at(-1)!.logs![0].loss });
    expect(both.trainees.map(({ site, index }) => `${site} ${index}`)).toEqual(["layers.0.mlp_out 0", "layers.0.mlp_out 1", "final_norm 0", "final_norm 1"]);
    const together = await bits(both);
    both.dispose();
    const alone: number[][][] = [];
    for (const spec of twoSpecs) {
      const one = train(source(device), spec, all);
      await drain(one);
      alone.push(await bits(one));
      one.dispose();
    }
    const [n, m] = alone.map((all) => all.length / 2); // tensors of a site
    expect(together).toEqual([...alone[0].slice(0, n), ...alone[1].slice(0, m), ...alone[0].slice(n), ...alone[1].slice(m)]);
    expect(device.bytesInUse).toBe(before);
  });
});

describe("a training", async () => {
  const device = (await devices())[0].device!;

  test("where the source ends, so does training, short of its steps", async () => {
    using training = train(source(device), gated({ features: 8 }), { tokens: 1000, batchSize: 16 });
    expect(training.steps).toBe(62);
    await drain(training, 24);
    expect(training.endedEarly).toBe(false);
    for await (const { step } of training) expect(step).toBe(25);
    expect(training).toMatchObject({ step: 25, endedEarly: true });
    expect(await training.next()).toBeUndefined();
  });

  test("that does all its steps did not end early, though the source ends with it", async () => {
    using training = train(source(device), gated({ features: 8 }), { tokens: 400, batchSize: 16 });
    expect((await drain(training)).length).toBe(25);
    expect(await training.next()).toBeUndefined();
    expect(training.endedEarly).toBe(false);
  });

  test("logs are read where they are asked for, and at the last step; the loop can be left and taken up again", async () => {
    using training = train(source(device), topK({ features: 8, k: 2 }), { ...all, logEvery: 8 });
    const read: number[] = [];
    for await (const { step, loss, l0 } of training) {
      if (loss !== undefined) read.push(step);
      if (loss !== undefined) expect(l0).toBeLessThanOrEqual(2);
      if (step === 9) break;
    }
    for await (const { step, logs } of training) if (logs) read.push(step);
    expect(read).toEqual([8, 16, 20]);
  });

  test("mistakes are told at once", () => {
    const before = device.bytesInUse;
    const start = (spec: Parameters<typeof train>[1], more: Partial<TrainOptions>) => () => train(source(device), spec, { ...all, ...more });
    expect(start(standard({ features: 8 }), { tokens: 15 })).toThrow("train: expected tokens of at least a batch of 16, got 15");
    expect(start(standard({ features: 8 }), { batchSize: 0 })).toThrow("train: expected batchSize to be a whole number >= 1, got 0");
    expect(start([topK({ features: 8, k: 2 }), standard({ features: 8, warmupSteps: 20 })], {})).toThrow("standard: expected warmupSteps to be a whole number < steps = 20, got 20");
    expect(device.bytesInUse).toBe(before);
  });

  test("a loss that is not finite names the trainer and the step", async () => {
    using training = train(source(device), [topK({ features: 8, k: 2 }), standard({ features: 8, lr: 1e30, warmupSteps: 0, sparsityWarmupSteps: 0 })], all);
    await expect(drain(training)).rejects.toMatchObject({ code: "FORMAT", message: expect.stringMatching(/^standard \(trainer 1 at layers\.0\.mlp_out\): expected a finite loss, got \S+ at step [23]$/) });
  });
});
