import { memorySource, openTorch, writeTorch } from "@dictlearn/checkpoint";
import { add, encodeRelu, encodeTopK, decodeSparse, linear, mean, relu, scale, sliceRows, sub, sum, sumPowers, sumSquares, type Device, type Tensor } from "@dictlearn/kernels";
import { devices, expectClose, readOracle, seededNormal } from "@dictlearn/testing";
import { describe, expect, test } from "vitest";
import { defineDictionary, readDictionaryLearning, readLog, standard, writeDictionaryLearning, type DefinedDictionary, type DefinedWeights, type Objective, type Setting, type StateTensor, type Trainer } from "./index.js";

const [D, F, B, steps] = [16, 24, 32, 60];
const data = readOracle("trainers/data.safetensors").x.data as Float32Array;
const batch = (device: Device, step: number) => device.tensor(data.slice(step * B * D, (step + 1) * B * D), [B, D]);
const settingOn = (device: Device, changes: Partial<Setting> = {}): Setting => ({ device, D, steps, seed: 7, ...changes });

/** The ReLU dictionary of `standard`, as one's own. */
const plain = defineDictionary({
  name: "plain",
  parameters: ({ D, F }) => ({ decoderBias: [D], encoder: [F, D], encoderBias: [F], decoder: [F, D] }),
  encode: (p, x) => encodeRelu(sub(x, p.decoderBias), p.encoder, p.encoderBias),
  decode: (p, f) => decodeSparse(f, p.decoder, p.decoderBias),
});
/** Two layers to encode with, parameters of one, two and three dimensions, a number among them. */
const deep = defineDictionary({
  name: "deep",
  parameters: ({ D, F }) => ({ hidden: [2, D, D], encoder: [F, 2 * D], bias: [F], decoder: [F, D], gain: [1] }),
  encode: (p, x) => encodeTopK(relu(linear(x, p.hidden.reshape([2 * D, D]))), p.encoder, p.bias, { k: 3 }),
  decode: (p, f) => decodeSparse(f, p.decoder),
  initial: ({ rng }) => ({ gain: rng.uniform(1).map((u) => u + 1) }),
});

async function train(device: Device, trainer: Trainer, end: number): Promise<Record<string, number>> {
  let log: Record<string, number> = {};
  for (let step = 0; step < end; step++) {
    using x = batch(device, step);
    log = await readLog(await trainer.step(x, step));
  }
  return log;
}

describe.each(await devices())("on $name", ({ name, device, skipped }) => {
  test.skipIf(skipped)("the standard trainer's dictionary and objective, defined outside, take its steps", async () => {
    const [end, l1Penalty, schedule] = [name.startsWith("cpu") ? 40 : 4, 0.1, { lr: 2e-3, warmupSteps: 4 }];
    const theirs = standard({ features: F, l1Penalty, sparsityWarmupSteps: null, ...schedule }).start(settingOn(device!));
    const parameters = (await theirs.weights()) as Record<string, Float32Array>;
    const objective: Objective<string> = (_, x, { features, xHat }) => {
      const mse = scale(sumSquares(sub(x, xHat)), 1 / x.shape[0]);
      const sparsity_loss = mean(sumPowers(features, { p: 1 }));
      return { loss: add(mse, scale(sparsity_loss, l1Penalty)), sparsity_loss };
    };
    const ours = plain.trainer({ features: F, objective, unitRows: ["decoder"], ...schedule }).start(settingOn(device!, { parameters }));
    const [expected, got] = [await train(device!, theirs, end), await train(device!, ours, end)];
    for (const part of Object.keys(got)) expectClose([got[part]], [expected[part]], { relative: 1e-5 });
    const [a, b] = [(await theirs.weights()) as Record<string, Float32Array>, (await ours.weights()) as Record<string, Float32Array>];
    for (const parameter of Object.keys(a)) expectClose(b[parameter], a[parameter], { absolute: 1e-5 });
    theirs.dispose();
    ours.dispose();
  });

  test.skipIf(skipped)("saved with a norm factor c and opened: encode(c x) = c encode(x), decode(c f) = c decode(f)", async () => {
    const c = 3.7;
    const before = device!.bytesInUse;
    const trainer = deep.trainer({ features: F }).start(settingOn(device!));
    await train(device!, trainer, 3);
    const { tensors, config } = writeDictionaryLearning(trainer.saved, await trainer.weights(), { normFactor: c, trainer: trainer.config });
    const inTraining = trainer.saved.open(device!, await trainer.weights());
    const opened = await readDictionaryLearning(await reread(tensors), { device: device!, config: JSON.parse(JSON.stringify(config)), definitions: [plain, deep] });
    expect(opened).toMatchObject({ kind: "deep", D, F });
    await device!.scope(async () => {
      const x = batch(device!, 5);
      const [f, fOfScaled] = [inTraining.encode(x), opened.encode(scale(x, c))];
      const [a, b] = [await f.read(), await fOfScaled.read()];
      expect(b.index).toEqual(a.index);
      expectClose(b.values, a.values.map((value) => value * c), { relative: 1e-5, absolute: 1e-5 });
      const [xHat, xHatOfScaled] = await Promise.all([inTraining.decode(f).read(), opened.decode(fOfScaled).read()]);
      expectClose(xHatOfScaled, (xHat as Float32Array).map((value) => value * c), { relative: 1e-5, absolute: 1e-5 });
    });
    for (const owner of [trainer, inTraining, opened, opened]) owner.dispose();
    expect(device!.bytesInUse).toBe(before);
  });
});

const reread = async (tensors: Record<string, StateTensor>) => openTorch(memorySource(Buffer.concat([...writeTorch(tensors)])));
const [{ device: cpu }] = await devices();
const device = cpu!;
const zerosOf = (shapes: Record<string, number[]>) => Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { dtype: "f32" as const, shape, data: new Float32Array(shape.reduce((a, n) => a * n, 1)).fill(1) }]));
const files = { hidden: [2, D, D], encoder: [F, 2 * D], bias: [F], decoder: [F, D], gain: [1], norm_factor: [] };
const configOf = (dict_class: string, dims: Record<string, unknown> = { activation_dim: D, dict_size: F }) => ({ trainer: { dict_class, ...dims } });

describe("a file that is not the definition's is refused in one line", () => {
  const open = async (shapes: Record<string, number[]>, config: unknown, definitions: DefinedDictionary[] = [deep]) => readDictionaryLearning(await reread(zerosOf(shapes)), { device, config, definitions, subject: "ae.pt" });

  test("as it should be, it opens", async () => {
    const opened = await open(files, configOf("deep"));
    expect(opened.kind).toBe("deep");
    opened.dispose();
  });
  const { gain, ...withoutGain } = files;
  test.each<[string, Promise<unknown> | (() => Promise<unknown>), string, string]>([
    ["no definition", () => open(files, configOf("deep"), [plain]), "UNSUPPORTED", "got \"deep\" (config.json)"],
    ["a shape", () => open({ ...files, encoder: [2 * D, F] }, configOf("deep")), "FORMAT", "ae.pt: expected encoder [24,32], got [32,24] (D = 16, F = 24 as given)"],
    ["a vector", () => open({ ...files, bias: [F + 1] }, configOf("deep")), "FORMAT", "ae.pt: expected bias [24], got [25]"],
    ["a tensor missing", () => open(withoutGain, configOf("deep")), "FORMAT", "got no gain"],
    ["a tensor more", () => open({ ...files, more: gain }, configOf("deep")), "FORMAT", "got also more"],
    ["no dimensions", () => open(files, configOf("deep", {})), "USAGE", "deep: expected D and F to be whole numbers > 0, got NaN and NaN"],
    ["dimensions that can't be made numbers", () => open(files, configOf("deep", { activation_dim: { toString: "x" }, dict_size: F })), "USAGE", "deep: expected D and F to be whole numbers > 0, got NaN and 24"],
    ["a norm factor", async () => readDictionaryLearning(await reread({ ...zerosOf(files), norm_factor: { dtype: "f32", shape: [], data: Float32Array.of(-1) } }), { device, config: configOf("deep"), definitions: [deep] }), "FORMAT", "expected norm_factor > 0, got -1"],
  ])("%s", async (_, opening, code, message) => {
    const before = device.bytesInUse;
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
    expect(device.bytesInUse).toBe(before);
  });
});

describe("initial values", () => {
  const start = async (definition: DefinedDictionary, seed = 7) => {
    const trainer = definition.trainer({ features: F }).start(settingOn(device, { seed }));
    const weights = (await trainer.weights()) as DefinedWeights<string>;
    trainer.dispose();
    return weights;
  };
  test("by shape: [F,D] the same directions of norm 1, vectors 0, others within 1/√n; by the seed", async () => {
    const { encoder, decoder, encoderBias, decoderBias, normFactor } = await start(plain);
    expect(decoder).toEqual(encoder);
    expectClose(Array.from({ length: F }, (_, f) => Math.hypot(...encoder.subarray(f * D, (f + 1) * D))), new Float32Array(F).fill(1), { relative: 1e-6 });
    expect([...encoderBias, ...decoderBias].every((value) => value === 0)).toBe(true);
    expect(normFactor).toBe(1);
    const { encoder: wide } = await start(deep);
    const largest = Math.max(...wide.map(Math.abs));
    expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(2 * D));
    expect(largest).toBeGreaterThan(0.9 / Math.sqrt(2 * D)); // of 768
    expect((await start(plain)).encoder).toEqual(encoder);
    expect((await start(plain, 8)).encoder).not.toEqual(encoder);
  });
  test("by the definition, from the run's random numbers", async () => {
    const { gain } = await start(deep);
    expect(gain[0]).toBeGreaterThanOrEqual(1);
    expect(gain[0]).toBeLessThan(2);
    expect((await start(deep, 8)).gain).not.toEqual(gain);
  });
  test("of another length, or of no parameter: refused", () => {
    const given = (initial: Record<string, Float32Array>) => () => defineDictionary({ ...base, initial: () => initial }).trainer({ features: F }).start(settingOn(device));
    expect(given({ decoder: new Float32Array(3) })).toThrow(expect.objectContaining({ code: "SHAPE", message: "own: expected parameters.decoder f32[24,16], got 3 elements" }));
    expect(given({ decodr: new Float32Array(3) })).toThrow("own: expected no parameters.decodr, got one");
  });
});

const base = {
  name: "own",
  parameters: ({ D, F }: { D: number; F: number }) => ({ encoder: [F, D], decoder: [F, D] }),
  encode: (p: { encoder: Tensor }, x: Tensor) => encodeTopK(x, p.encoder, x.device.zeros([F]), { k: 3 }),
  decode: (p: { decoder: Tensor }, f: Parameters<typeof decodeSparse>[0]) => decodeSparse(f, p.decoder),
};
const own = defineDictionary(base);

test("rows at a time are all rows at once; what the objective returns is logged, a parameter too", async () => {
  const run = async (rowsAtOnce: number | null) => {
    const seen: number[] = [];
    const objective: Objective<"gain"> = (p, x, { xHat, step }) => {
      if (step === 4) seen.push(x.shape[0]);
      return { loss: scale(sumSquares(sub(x, xHat)), 1 / x.shape[0]), gain: p.gain, twice: 2 * step };
    };
    const trainer = deep.trainer({ features: F, rowsAtOnce, objective }).start(settingOn(device));
    const log = await train(device, trainer, 5);
    expect(seen).toEqual(rowsAtOnce === null ? [B] : [7, 7, 7, 7, 4]);
    const { hidden, decoder } = (await trainer.weights()) as DefinedWeights<string>;
    trainer.dispose();
    return { log, hidden, decoder };
  };
  const [all, some] = [await run(null), await run(7)];
  expect(all.log.gain).toBeGreaterThanOrEqual(1);
  expect(all.log).toMatchObject({ twice: 8, l0: 3 });
  expectClose(Object.values(some.log), Object.values(all.log), { relative: 1e-5 });
  expectClose(some.hidden, all.hidden, { absolute: 1e-5 });
  expectClose(some.decoder, all.decoder, { absolute: 1e-5 });
});

test("unitRows keep norm 1, others do not", async () => {
  const trainer = own.trainer({ features: F, lr: 0.01, warmupSteps: 0, unitRows: ["decoder"] }).start(settingOn(device));
  await train(device, trainer, 5);
  const { encoder, decoder } = (await trainer.weights()) as DefinedWeights<string>;
  trainer.dispose();
  const norms = (rows: Float32Array) => Array.from({ length: F }, (_, f) => Math.hypot(...rows.subarray(f * D, (f + 1) * D)));
  expectClose(norms(decoder), new Float32Array(F).fill(1), { relative: 1e-6 });
  expect(norms(encoder).some((norm) => Math.abs(norm - 1) > 1e-3)).toBe(true);
});

describe("what makes no sense is refused in one line, and nothing is left on the device", () => {
  const objectives: [string, unknown, string][] = [
    ["a loss a row", (_: unknown, x: Tensor) => relu(x), "valueAndGradients: expected loss f32[1], got f32[32,16]"],
    ["no loss", () => ({ mse: 1 }), "own: expected the objective to return a loss f32[1], got Object without one"],
    ["nothing", () => undefined, "own: expected the objective to return a loss f32[1], got Undefined without one"],
    ["a promise", async () => undefined, "own: expected the objective to return a loss f32[1], got Promise without one"],
    ["a part a row", (_: unknown, x: Tensor) => ({ loss: sum(x), norms: x }), "own: expected the objective to return numbers or f32[1], got norms f32[32,16]"],
  ];
  test.each(objectives)("an objective of %s", async (_, objective, message) => {
    const before = device.bytesInUse;
    const trainer = own.trainer({ features: F, objective: objective as never }).start(settingOn(device));
    await expect(train(device, trainer, 1)).rejects.toMatchObject({ code: "SHAPE", message });
    trainer.dispose();
    expect(device.bytesInUse).toBe(before);
  });

  test.each([
    ["encode", { encode: (_: unknown, x: Tensor) => x }, "own: expected encode to return sparse features [32,24], got f32[32,16]"],
    ["encode", { encode: (p: { encoder: Tensor }, x: Tensor) => encodeTopK(x, sliceRows(p.encoder, { start: 0, end: 9 }), x.device.zeros([9]), { k: 1 }) }, "own: expected encode to return sparse features [32,24], got sparse features [32,9]"],
    ["decode", { decode: (p: { decoder: Tensor }, f: never) => decodeSparse(f, p.decoder).reshape([D, B]) }, "own: expected decode to return f32[32,16], got f32[16,32]"],
    ["decode", { decode: () => undefined }, "own: expected decode to return f32[32,16], got Undefined"],
  ])("%s of another shape", async (_, part, message) => {
    const trainer = defineDictionary({ ...base, ...(part as object) }).trainer({ features: F }).start(settingOn(device));
    await expect(train(device, trainer, 1)).rejects.toMatchObject({ code: "SHAPE", message });
    trainer.dispose();
  });

  test.each<[Record<string, unknown>, string]>([
    [{ lr: 0 }, "own: expected lr to be a number > 0, got 0"],
    [{ features: 0 }, "own: expected features to be a whole number > 0, got 0"],
    [{ objective: 3 }, "own: expected objective to be a function, got number"],
    [{ rowsAtOnce: 0.5 }, "own: expected rowsAtOnce to be a whole number > 0, or null, got 0.5"],
    [{ unitRows: "decoder" }, "own: expected unitRows to be a list of names, got decoder"],
    [{ unitRows: ["decodr"] }, "own: expected unitRows among the matrices encoder, decoder, got decodr"],
    [{ warmupSteps: 60 }, "own: expected warmupSteps to be a whole number < steps = 60, got 60"],
    [{ k: 3 }, "got also k"],
  ])("%o", (options, message) => {
    const before = device.bytesInUse;
    expect(() => own.trainer({ features: F, ...options }).start(settingOn(device))).toThrow(expect.objectContaining({ code: "USAGE", message: expect.stringContaining(message) }));
    expect(device.bytesInUse).toBe(before);
  });

  test.each<[Record<string, unknown>, string]>([
    [{ encoder: [F, 0.5] }, "own: expected shapes of whole numbers > 0, got encoder [24,0.5]"],
    [{ encoder: F }, "own: expected shapes of whole numbers > 0, got encoder 24"],
    [{ normFactor: [1] }, "own: expected no parameter normFactor, got one"],
  ])("parameters %o", (shapes, message) => {
    expect(() => defineDictionary({ ...base, parameters: () => shapes as never }).saved({ D, F })).toThrow(expect.objectContaining({ code: "USAGE", message }));
  });

  test("activations of another width", () => {
    const opened = own.saved({ D, F }).open(device, { encoder: seededNormal(1, F * D), decoder: seededNormal(2, F * D), normFactor: 1 });
    using x = device.zeros([2, D + 1]);
    expect(() => opened.encode(x)).toThrow(expect.objectContaining({ code: "SHAPE", message: "own: expected x f32[B,16], got f32[2,17]" }));
    opened.dispose();
  });
});
