import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { add, clipNormInto, openRng, removeParallelInto, valueAndGradients, type Device, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose } from "@dictlearn/testing";
import { describe, expect, test, vi } from "vitest";
import { batchTopK, jumpRelu, matryoshka, readLog, topK, type Trainer } from "../index.js";
import { auxiliaryLoss } from "../training/auxiliaryLoss.js";
import { topKObjective } from "../training/topKFamily.js";
import { objective, penalty, type JumpReluParameters } from "./jumpRelu.js";
import { reconstruct } from "./topK.js";

// What is particular to the TopK family and to JumpReLU; what every trainer promises is in trainers.test.ts.

const random = (device: Device, shape: number[], seed = 1): Tensor => device.tensor(openRng({ seed, stream: "corpus" }).normal(shape.reduce((n, size) => n * size, 1)), shape);

describe.each(await devices())("on $name", ({ device, skipped }) => {
  const [D, F, B] = [8, 20, 12];
  const parameters = () => ({ encoder: random(device!, [F, D], 2), encoderBias: random(device!, [F], 3), decoder: random(device!, [F, D], 4), decoderBias: random(device!, [D], 5) });

  test.skipIf(skipped)("while none is dead the auxiliary loss is 0 and teaches nothing", async () => {
    await device!.scope(async () => {
      const p = parameters();
      const x = random(device!, [B, D]);
      const gradients = (anyDead: boolean) =>
        valueAndGradients(p, (p) => {
          const { loss, aux } = topKObjective(reconstruct, p, x, { k: 3, silent: device!.zeros([F], "u32"), anyDead, auxkAlpha: 1, deadFeatureThreshold: 1000 });
          return { loss, aux };
        });
      const [seen, known] = [gradients(true), gradients(false)];
      const { auxk_loss, pre_norm_auxk_loss, dead_features } = seen.value.aux as Record<string, Tensor>;
      expect([...(await auxk_loss.read()), ...(await pre_norm_auxk_loss.read()), ...(await dead_features.read())]).toEqual([0, -1, 0]);
      expect(known.value.aux).toEqual({ auxk_loss: 0, pre_norm_auxk_loss: -1, dead_features: 0 });
      for (const name of ["encoder", "encoderBias", "decoder", "decoderBias"] as const) expectClose(await seen.gradients[name].read(), await known.gradients[name].read(), {});
    });
  });

  test.skipIf(skipped)("a residual that is the same in every row, and one of a single row, leave the auxiliary loss at 0", async () => {
    await device!.scope(async () => {
      const dead = device!.tensor(new Uint32Array(F).fill(1), [F]);
      for (const rows of [1, B]) {
        const { loss, count } = auxiliaryLoss(parameters(), random(device!, [rows, D]), device!.tensor(new Float32Array(rows * D).fill(0.5), [rows, D]), dead, { k: 4 });
        expect([...(await loss.read()), ...(await count.read())]).toEqual([0, F]);
      }
    });
  });

  test.skipIf(skipped)("batchTopK with dead features and a threshold, saved, goes on bit for bit", async () => {
    const spec = batchTopK({ features: F, k: 2, warmupSteps: 1, thresholdStartStep: 1, deadFeatureThreshold: 2 * B, kAnnealSteps: 6 });
    const start = () => spec.start({ device: device!, D, steps: 10, seed: 1 });
    const [whole, half] = [start(), start()];
    const step = async (trainer: Trainer, step: number) => {
      using x = random(device!, [B, D], 10 + step);
      return readLog(await trainer.step(x, step));
    };
    for (let at = 0; at < 4; at++) await step(whole, at);
    half.load(await whole.save());
    const [one, other] = [await step(whole, 4), await step(half, 4)];
    expect(other).toEqual(one);
    expect(one.threshold).toBeGreaterThan(0);
    expect(one.k).toBeGreaterThan(2);
    expect(await half.save()).toEqual(await whole.save());
    expect(await half.weights()).toEqual(await whole.weights());
    whole.dispose();
    half.dispose();
  });
});

const cpu = (await devices())[1].device!;

test.each([
  ["topK", topK({ features: 4096, k: 16, deadFeatureThreshold: 1 })],
  ["batchTopK", batchTopK({ features: 4096, k: 16, deadFeatureThreshold: 1 })],
  ["matryoshka", matryoshka({ features: 4096, k: 16, deadFeatureThreshold: 1, groupFractions: [0.5, 0.5] })],
])("a step of %s has no pre-activations [B,F] in memory, but in tiles", async (_, spec) => {
  const [D, F, B] = [16, 4096, 8192];
  const trainer = spec.start({ device: cpu, D, steps: 10, seed: 1 });
  const bias = trainer.parameters().encoderBias;
  cpu.write(bias, new Float32Array(F).fill(-30, 0, F / 2)); // half of them dead
  using x = random(cpu, [B, D]);
  const before = cpu.bytesInUse;
  let peak = 0;
  const allocate = cpu.allocate.bind(cpu);
  const spy = vi.spyOn(cpu, "allocate").mockImplementation((bytes) => {
    const storage = allocate(bytes);
    peak = Math.max(peak, cpu.bytesInUse);
    return storage;
  });
  const { dead_features } = await readLog(await trainer.step(x, 0));
  spy.mockRestore();
  trainer.dispose();
  expect(dead_features).toBeGreaterThanOrEqual(F / 2);
  expect(peak - before).toBeLessThan((4 * B * F) / 2);
});

test("without an auxiliary loss dead features are counted all the same", async () => {
  const [D, F, B] = [8, 20, 12];
  const trainer = topK({ features: F, k: 2, auxkAlpha: 0, deadFeatureThreshold: 2 * B }).start({ device: cpu, D, steps: 10, seed: 1 });
  cpu.write(trainer.parameters().encoderBias, new Float32Array(F).fill(-30, 0, 5));
  using x = random(cpu, [B, D]);
  const logs = [];
  for (let step = 0; step < 3; step++) logs.push(await readLog(await trainer.step(x, step)));
  trainer.dispose();
  expect(logs[0]).toMatchObject({ dead_features: 0, auxk_loss: 0, pre_norm_auxk_loss: -1 });
  expect(logs[2].dead_features).toBeGreaterThanOrEqual(5);
  expect(logs[2].loss).toBe(logs[2].l2_loss);
});

test("jumpRelu takes a batch in parts although its penalty is no mean over rows", async () => {
  const [D, F, B] = [4, 4096, 2100]; // parts of 2,048 rows and of 52
  const options = { bandwidth: 0.5, targetL0: 100, sparsityPenalty: 3 };
  const trainer = jumpRelu({ features: F, ...options, warmupSteps: 0, sparsityWarmupSteps: null }).start({ device: cpu, D, steps: 10, seed: 1 });
  using x = random(cpu, [B, D]);
  const expected = await cpu.scope(async () => {
    const { value, gradients } = valueAndGradients(trainer.parameters() as JumpReluParameters, (p) => {
      const { mse, aboveThreshold } = objective(p, x, options);
      return { loss: add(mse, penalty(aboveThreshold, { strength: options.sparsityPenalty, targetL0: options.targetL0 })) };
    });
    removeParallelInto(gradients.decoder, trainer.parameters().decoder, { epsilon: 1e-6 });
    clipNormInto(Object.values(gradients), { max: 1 });
    return { loss: (await value.loss.read())[0], threshold: await gradients.threshold.read(), encoder: await gradients.encoder.read() };
  });
  const { loss } = await readLog(await trainer.step(x, 0));
  const saved = new Map((await trainer.save()).map(({ name, data }) => [name, data as Float32Array]));
  trainer.dispose();
  expectClose([loss], [expected.loss], { relative: 1e-5 });
  // without a first mean (β₁ = 0) Adam's m is the gradient
  for (const name of ["threshold", "encoder"] as const) expectClose(saved.get(`adam.m/${name}`)!, expected[name], { absolute: 1e-5 * Math.max(...expected[name].map(Math.abs)) });
});

test("10,000 steps hold what 10 held on the device, and on the host what 2,000 did", async () => {
  const { device } = (await devices())[0];
  const trainer = topK({ features: 64, k: 4 }).start({ device: device!, D: 16, steps: 10_001, seed: 1 });
  const batches = Array.from({ length: 8 }, (_, seed) => random(device!, [32, 16], seed));
  const onDevice: number[][] = [];
  const onHost: number[] = [];
  for (let step = 0; step <= 10_000; step++) {
    await trainer.step(batches[step % 8], step);
    if (step === 10 || step === 10_000) onDevice.push([device!.bytesInUse, device!.scopes.live]);
    if (step === 2_000 || step === 10_000) onHost.push(hostBytes());
  }
  expect(onDevice[1]).toEqual(onDevice[0]);
  expect(onHost[1] - onHost[0]).toBeLessThan(8_000 * 64); // a tensor kept a step is more
  trainer.dispose();
  for (const x of batches) x.dispose();
});

/** What the host holds when all is collected that can be. */
function hostBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  collect(); // what finalizers of the first let go
  const { heapUsed, external } = process.memoryUsage(); // external has the array buffers in it
  return heapUsed + external;
}
