import { decodeSparse, encodeTopK, sub, type Device, type Tensor } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { devices, readOracle, webgpuDevice } from "@dictlearn/testing";
import { afterAll, describe, expect, test } from "vitest";
import { april, batchTopK, defineDictionary, gated, gatedAnneal, jumpRelu, matryoshka, pAnneal, readLog, standard, topK, type NamedTensor, type Setting, type Trainer, type TrainerSpec } from "../index.js";

// What every trainer promises; a trainer more is a line here.

const [D, F, B, steps] = [16, 24, 32, 300];
const schedules = { warmupSteps: 4, sparsityWarmupSteps: 6 };
const annealing = { annealStart: 8, annealEnd: 20, nSparsityUpdates: 5, sparsityQueueLength: 3, pEnd: 0.5 };
/** Features die, thresholds are measured and k comes down, all within a few steps. */
const family = { warmupSteps: 4, thresholdStartStep: 5, thresholdBeta: 0.9, deadFeatureThreshold: 4 * B, kAnnealSteps: 9 };
/** One's own promises what every other does. */
const own = defineDictionary({
  name: "own",
  parameters: ({ D, F }) => ({ encoder: [F, D], encoderBias: [F], decoder: [F, D], decoderBias: [D] }),
  encode: (p, x) => encodeTopK(sub(x, p.decoderBias), p.encoder, p.encoderBias, { k: 3 }),
  decode: (p, f) => decodeSparse(f, p.decoder, p.decoderBias),
});
const specs: [name: string, make: (options: Record<string, unknown>) => TrainerSpec, options: Record<string, unknown>][] = [
  ["standard", (options) => standard({ features: F, ...options }), { ...schedules, resampleSteps: 10 }],
  ["april", (options) => april({ features: F, ...options }), { ...schedules, decayStart: 20 }],
  ["gated", (options) => gated({ features: F, ...options }), schedules],
  ["pAnneal", (options) => pAnneal({ features: F, ...options }), { ...schedules, ...annealing, resampleSteps: 10 }],
  ["gatedAnneal", (options) => gatedAnneal({ features: F, ...options }), { ...schedules, ...annealing, sparsityFunction: "Lp" }],
  ["topK", (options) => topK({ features: F, k: 3, ...options }), family],
  ["batchTopK", (options) => batchTopK({ features: F, k: 3, ...options }), { ...family, decayStart: 20 }],
  ["matryoshka", (options) => matryoshka({ features: F, k: 3, groupFractions: [0.25, 0.75], ...options }), family],
  ["jumpRelu", (options) => jumpRelu({ features: F, ...options }), { ...schedules, bandwidth: 0.1, targetL0: 3 }],
  ["own", (options) => own.trainer({ features: F, ...options }), { warmupSteps: 4, decayStart: 20, unitRows: ["decoder"], rowsAtOnce: 20 }],
];
const all = specs.map(([name, make, options]) => [name, make(options)] as const);

const data = readOracle("trainers/data.safetensors").x.data as Float32Array;
const settingOn = (device: Device, changes: Partial<Setting> = {}): Setting => ({ device, D, steps, seed: 7, ...changes });

/** Steps from to end on the batches that belong to them. */
async function train(device: Device, trainer: Trainer, from: number, end: number, each?: (log: Awaited<ReturnType<Trainer["step"]>>) => Promise<void>): Promise<void> {
  for (let step = from; step < end; step++) {
    using x = device.tensor(data.slice((step % 60) * B * D, ((step % 60) + 1) * B * D), [B, D]);
    const log = await trainer.step(x, step);
    await each?.(log);
  }
}

/** Every byte that training depends on. */
const bytes = (saved: NamedTensor[]) => saved.map(({ name, data: { buffer, byteOffset, byteLength } }) => [name, Buffer.from(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer).toString("base64")]);

/** Some features that never fire, so that resampling has something to do. */
async function someDead(device: Device, trainer: Trainer): Promise<void> {
  const biases: Tensor | undefined = trainer.parameters().encoderBias;
  if (biases) device.write(biases, ((await biases.read()) as Float32Array).fill(-9, 0, 5));
}

const gpu = await webgpuDevice();
afterAll(() => gpu.device?.dispose());

test("on cpu under watchFinite, no op of any trainer gives what is not finite", async () => {
  const device = await openDevice({ backend: "cpu", threads: 1, engine: "wasm" });
  device.watchFinite();
  for (const [, spec] of all) {
    const trainer = spec.start(settingOn(device));
    await someDead(device, trainer);
    await train(device, trainer, 0, 24);
    trainer.dispose();
  }
  expect(device.bytesInUse).toBe(0);
  device.dispose();
});

test.skipIf(gpu.skipped).each([all[0], all[5], all[8]])(`%s under watchFinite on ${gpu.name}: no result that is not finite`, async (_, spec) => {
  const device = gpu.device!;
  device.watchFinite();
  const trainer = spec.start(settingOn(device));
  await train(device, trainer, 0, 3, async (log) => expect((await readLog(log)).loss).toBeGreaterThan(0));
  trainer.dispose();
});

describe.each(await devices())("on $name", ({ name: backend, device, skipped }) => {
  const cpu = backend.startsWith("cpu");
  const kept = cpu ? all : [all[0], all[4]]; // a software GPU is slow; recorded.test.ts follows every trainer on it

  test.skipIf(skipped).each(kept)("%s, saved and loaded at any step, goes on bit for bit", async (_, spec) => {
    const whole = spec.start(settingOn(device!));
    await someDead(device!, whole);
    // before, at and after a resampling or a change of p; once each on a software GPU
    for (const [from, end] of cpu ? [[0, 3], [3, 9], [9, 10], [10, 12], [12, 21], [21, 24]] : [[0, 11], [11, 15]]) {
      const saved = await whole.save();
      const half = spec.start(settingOn(device!, { parameters: undefined }));
      await train(device!, half, 0, 2); // whatever it did before is gone
      half.load(saved);
      await train(device!, whole, from, end);
      await train(device!, half, from, end);
      expect(bytes(await half.save())).toEqual(bytes(await whole.save()));
      half.dispose();
    }
    whole.dispose();
  });

  test.skipIf(skipped).each(kept)("reading a log of %s changes nothing", async (_, spec) => {
    const [read, unread] = [spec.start(settingOn(device!)), spec.start(settingOn(device!))];
    await train(device!, read, 0, cpu ? 24 : 11, async (log) => {
      expect(await readLog(log)).toEqual(await readLog(log));
      await read.weights();
    });
    await train(device!, unread, 0, cpu ? 24 : 11);
    expect(bytes(await read.save())).toEqual(bytes(await unread.save()));
    read.dispose();
    unread.dispose();
  });

  test.skipIf(skipped).each(kept)("%s holds as much memory after many steps as after 10, and gives it all back", async (_, spec) => {
    const before = device!.bytesInUse;
    const trainer = spec.start(settingOn(device!));
    await someDead(device!, trainer);
    await train(device!, trainer, 0, 10);
    const after10 = device!.bytesInUse;
    await train(device!, trainer, 10, cpu ? 300 : 22);
    expect(device!.bytesInUse).toBe(after10);
    trainer.dispose();
    trainer.dispose();
    expect(device!.bytesInUse).toBe(before);
  });

  test.skipIf(skipped).each(kept)("%s refuses a batch of another width and a state of another size, and stays as it was", async (name, spec) => {
    const trainer = spec.start(settingOn(device!));
    const saved = await trainer.save();
    using narrow = device!.zeros([B, D - 1]);
    using empty = device!.zeros([0, D]);
    await expect(trainer.step(narrow, 0)).rejects.toMatchObject({ code: "SHAPE", message: `${name}: expected x f32[B,16], got f32[32,15]` });
    await expect(trainer.step(empty, 0)).rejects.toMatchObject({ code: "SHAPE" });
    using x = device!.zeros([B, D]);
    await expect(trainer.step(x, -1)).rejects.toMatchObject({ code: "USAGE", message: `${name}: expected a step counted from 0, got -1` });

    const [first, ...rest] = saved;
    const other = { ...first, shape: [3], data: new Float32Array(3) };
    expect(() => trainer.load(rest)).toThrow(expect.objectContaining({ code: "FORMAT", message: `${name}: expected ${first.name} f32[${first.shape}], got none` }));
    expect(() => trainer.load([...rest, other])).toThrow(`got f32[3]`);
    expect(() => trainer.load([...saved, { ...other, name: "surprise" }])).toThrow(`${name}: expected no surprise, got one`);
    expect(bytes(await trainer.save())).toEqual(bytes(saved));
    trainer.dispose();
  });
});

/** Which features of which rows are on, by plain loops over the parameters. @returns bool[B,F] by rows */
function firing(parameters: Record<string, Float32Array>, x: Float32Array): boolean[] {
  const { encoder, encoderBias, gateBias, magnitudeBias, magnitudeLog, decoderBias } = parameters;
  return Array.from({ length: B * F }, (_, i) => {
    const [row, f] = [Math.floor(i / F), i % F];
    let sum = 0;
    for (let d = 0; d < D; d++) sum += (x[row * D + d] - decoderBias[d]) * encoder[f * D + d];
    return gateBias ? sum + gateBias[f] > 0 && Math.exp(magnitudeLog[f]) * sum + magnitudeBias[f] > 0 : sum + encoderBias[f] > 0;
  });
}

const counting = specs.filter(([name]) => ["standard", "april", "gated", "pAnneal", "gatedAnneal"].includes(name));
test.each(counting)("dead_features of %s are those that were silent for a tenth of the run, also after a state was loaded", async (name, make, options) => {
  const [{ device }] = await devices();
  const spec = make({ ...options, lr: 0.01 });
  const start = () => spec.start(settingOn(device!, { steps: 50 })); // a tenth: 5 batches
  let trainer = start();
  const biases = trainer.parameters().gateBias ?? trainer.parameters().encoderBias;
  device!.write(biases, Float32Array.from({ length: F }, (_, f) => -f * (name.startsWith("gated") ? 0.12 : 0.02))); // some are always on, some now and then, some never
  const silent = Array.from({ length: F }, () => 0);
  const [expected, got]: number[][] = [[], []];
  for (let step = 0; step < 30; step++) {
    const rows = data.slice(step * B * D, (step + 1) * B * D);
    const before = Object.fromEntries(await Promise.all(Object.entries(trainer.parameters()).map(async ([name, tensor]) => [name, await tensor.read()])));
    const on = firing(before, rows);
    for (let f = 0; f < F; f++) silent[f] = Array.from({ length: B }, (_, row) => on[row * F + f]).some(Boolean) ? 0 : silent[f] + 1;
    expected.push(silent.filter((batches) => batches >= 5).length);
    using x = device!.tensor(rows, [B, D]);
    got.push((await readLog(await trainer.step(x, step))).dead_features);
    if (step % 7 !== 3) continue;
    const saved = await trainer.save();
    trainer.dispose();
    trainer = start();
    trainer.load(saved);
  }
  trainer.dispose();
  expect(got).toEqual(expected);
  expect(expected.slice(0, 4)).toEqual([0, 0, 0, 0]);
  expect(new Set(expected).size).toBeGreaterThan(2); // features die, or come back
});

test.each(all)("%s gives the same bytes with one thread and with two", async (_, spec) => {
  const [one, two] = await Promise.all(
    (await devices()).slice(0, 2).map(async ({ device }) => {
      const trainer = spec.start(settingOn(device!));
      await someDead(device!, trainer);
      await train(device!, trainer, 0, 24);
      const saved = await trainer.save();
      trainer.dispose();
      return bytes(saved);
    }),
  );
  expect(two).toEqual(one);
});

test.each(specs)("%s with its defaults comes to reconstruct a batch better, and every figure is finite", async (_, make) => {
  const [{ device }] = await devices();
  const trainer = make({}).start(settingOn(device!, { steps: 60 }));
  using x = device!.tensor(data.slice(0, B * D), [B, D]);
  const errors: number[] = [];
  for (let step = 0; step < 60; step++) {
    const numbers = await readLog(await trainer.step(x, step));
    expect(Object.entries(numbers).filter(([, value]) => !Number.isFinite(value))).toEqual([]);
    errors.push((numbers.mse_loss ?? numbers.l2_loss) + (numbers.aux_loss ?? 0));
  }
  trainer.dispose();
  expect(errors[59]).toBeLessThan(errors[0]);
});

test.each(all)("%s starts from its seed, or from what it is given", async (_, spec) => {
  const [{ device }] = await devices();
  const start = async (changes: Partial<Setting>) => {
    const trainer = spec.start(settingOn(device!, changes));
    const saved = (await trainer.weights()) as Record<string, Float32Array>;
    trainer.dispose();
    return saved;
  };
  const [seven, again, eight] = [await start({}), await start({}), await start({ seed: 8 })];
  expect(again).toEqual(seven);
  expect(eight.decoder).not.toEqual(seven.decoder);
  expect(await start({ seed: 9, parameters: seven })).toEqual(seven);
  await expect(start({ parameters: { ...seven, decoderBias: new Float32Array(D + 1) } })).rejects.toMatchObject({ code: "SHAPE", message: expect.stringContaining("expected parameters.decoderBias f32[16], got 17 elements") });
  await expect(start({ parameters: { ...seven, bias: seven.decoderBias } })).rejects.toThrow("expected no parameters.bias, got one");
  const { decoder, ...without } = seven;
  expect(decoder).toHaveLength(F * D);
  await expect(start({ parameters: without })).rejects.toThrow("expected parameters.decoder f32[24,16], got none");
});

describe("hyper-parameters that make no sense are refused in one line", () => {
  const common: [Record<string, unknown>, string][] = [
    [{ features: 0 }, "expected features to be a whole number > 0, got 0"],
    [{ features: 2.5 }, "expected features to be a whole number > 0, got 2.5"],
    [{ lr: 0 }, "expected lr to be a number > 0, got 0"],
    [{ lr: Number.NaN }, "expected lr to be a number > 0, got NaN"],
    [{ learningRate: 1 }, "got also learningRate"],
  ];
  const l1: [Record<string, unknown>, string][] = [[{ l1Penalty: -1 }, "expected l1Penalty to be a number >= 0, got -1"]];
  const power: [Record<string, unknown>, string][] = [
    [{ initialSparsityPenalty: -1 }, "expected initialSparsityPenalty to be a number >= 0, got -1"],
    [{ sparsityFunction: "L2" }, "expected sparsityFunction Lp or Lp^p, got L2"],
    [{ sparsityFunction: "Lp", pEnd: 0 }, "expected pEnd > 0 with sparsityFunction Lp, got 0"],
    [{ pStart: -1 }, "expected pStart >= 0, got -1"],
    [{ sparsityQueueLength: 0 }, "expected sparsityQueueLength to be a whole number > 0, got 0"],
  ];
  const ofK: [Record<string, unknown>, string][] = [
    [{ k: 0 }, "expected k from 1 to features = 24, got 0"],
    [{ k: 25 }, "expected k from 1 to features = 24, got 25"],
    [{ k: 2.5 }, "expected k from 1 to features = 24, got 2.5"],
    [{ auxkAlpha: -1 }, "expected auxkAlpha to be a number >= 0, got -1"],
    [{ thresholdBeta: 1 }, "expected thresholdBeta from 0 to below 1, got 1"],
    [{ thresholdStartStep: -1 }, "expected thresholdStartStep to be a whole number >= 0, got -1"],
    [{ deadFeatureThreshold: 2 ** 32 }, "expected deadFeatureThreshold to be a whole number > 0 and < 4294967295, got 4294967296"],
  ];
  const groups: [Record<string, unknown>, string][] = [
    [{ groupFractions: [0.5, 0.6] }, "expected groupFractions > 0 that add up to 1, got [0.5,0.6]"],
    [{ groupFractions: [1.5, -0.5] }, "expected groupFractions > 0 that add up to 1, got [1.5,-0.5]"],
    [{ groupFractions: [] }, "expected groupFractions > 0 that add up to 1, got []"],
    [{ groupFractions: [0.01, 0.99] }, "expected at least a feature a group of groupFractions, 24 in all, got [0,24]"],
    [{ groupWeights: [1] }, "expected 2 groupWeights >= 0, not all 0, got [1]"],
    [{ groupWeights: [0, 0] }, "expected 2 groupWeights >= 0, not all 0, got [0,0]"],
    [{ groupWeights: [1, Number.NaN] }, "expected 2 groupWeights >= 0, not all 0, got [1,null]"],
  ];
  const jump: [Record<string, unknown>, string][] = [
    [{ bandwidth: 0 }, "expected bandwidth to be a number > 0, got 0"],
    [{ targetL0: -1 }, "expected targetL0 to be a number > 0, got -1"],
    [{ sparsityPenalty: -1 }, "expected sparsityPenalty to be a number >= 0, got -1"],
  ];
  const defined: [Record<string, unknown>, string][] = [[{ rowsAtOnce: 0 }, "expected rowsAtOnce to be a whole number > 0, or null, got 0"]];
  const ownOf: Record<string, [Record<string, unknown>, string][]> = { own: defined, pAnneal: power, gatedAnneal: power, topK: ofK, batchTopK: ofK, matryoshka: [...ofK, ...groups], jumpRelu: jump };
  const literally = (text: string) => text.replace(/[\^[\]()+.]/g, "\\$&");
  const cases = specs.flatMap(([name, make]) => [...common, ...(ownOf[name] ?? l1)].map(([options, message]) => ({ name, make, options, message })));
  test.each(cases)("$name: $message", ({ name, make, options, message }) => {
    const refused = expect.objectContaining({ code: "USAGE", message: expect.stringMatching(new RegExp(`^${name}: expected .*${literally(message.replace(/^expected /, ""))}`)) });
    expect(() => make(options)).toThrow(refused);
  });

  test.each(specs)("%s: a warm-up that the run is too short for, at the start of the run", async (name, make) => {
    const [{ device }] = await devices();
    const before = device!.bytesInUse;
    expect(() => make({ warmupSteps: 300 }).start(settingOn(device!))).toThrow(expect.objectContaining({ code: "USAGE", message: `${name}: expected warmupSteps to be a whole number < steps = 300, got 300` }));
    expect(device!.bytesInUse).toBe(before);
  });

  test.each([
    [topK({ features: F, k: 3, kAnnealSteps: 300 }), "topK: expected kAnnealSteps to be a whole number > 0 and < steps = 300, or null, got 300"],
    [batchTopK({ features: F, k: 3, kAnnealSteps: 0 }), "batchTopK: expected kAnnealSteps to be a whole number > 0 and < steps = 300, or null, got 0"],
    [topK({ features: F, k: 16, kAnnealSteps: 9 }), "topK: expected k < D = 16 with kAnnealSteps, got 16"],
  ])("$name: an annealing that the run has no room for, at the start of the run", async (spec, message) => {
    const [{ device }] = await devices();
    const before = device!.bytesInUse;
    expect(() => spec.start(settingOn(device!))).toThrow(expect.objectContaining({ code: "USAGE", message }));
    expect(device!.bytesInUse).toBe(before);
  });
});
