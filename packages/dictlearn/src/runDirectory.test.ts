import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { memorySource, openTorch } from "@dictlearn/checkpoint";
import * as sae from "@dictlearn/sae";
import { devices, expectClose, oracle, readOracle } from "@dictlearn/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { normFactors, openBuffer, RunDirectory, submoduleName, train } from "./index.js";

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "run-directory-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

// A whole run of dictionary_learning's trainSAE, nine trainers side by side on normalised activations, again: through the
// buffer, the norm factor, the trainers and what is written. A buffer of one batch gives that batch's rows, in some order.

interface Recorded {
  norm_factor: number;
  first_training_batch_index: number;
  steps: number;
  trainers: { dir: string; name: string; trainer: string; args: Record<string, unknown> }[];
}
const recorded: Recorded = JSON.parse(readFileSync(oracle("formats/dl_run/expected.json"), "utf8"));
const { x } = readOracle("formats/dl_run/data.safetensors");
const inits = readOracle("formats/dl_run/inits.safetensors");
const [, B, D] = x.shape;
const site = "layers.3.resid_post";

const makers: Record<string, (options: never) => sae.TrainerSpec> = {
  StandardTrainer: sae.standard,
  StandardTrainerAprilUpdate: sae.april,
  GatedSAETrainer: sae.gated,
  JumpReluTrainer: sae.jumpRelu,
  TopKTrainer: sae.topK,
  BatchTopKTrainer: sae.batchTopK,
  MatryoshkaBatchTopKTrainer: sae.matryoshka,
  PAnnealTrainer: sae.pAnneal,
  GatedAnnealTrainer: sae.gatedAnneal,
};
const saved = [sae.savedAutoEncoder, sae.savedGatedAutoEncoder, sae.savedJumpReluAutoEncoder, sae.savedAutoEncoderTopK, sae.savedBatchTopK, sae.savedMatryoshkaBatchTopK] as sae.SavedClass<object>[];
const ofSetting = new Set(["steps", "activation_dim", "layer", "lm_name", "device", "seed", "submodule_name"]);

/**
 * The encoder of one feature of the matryoshka dictionary: its first gradient is all rounding error, which Adam makes a step
 * of full size, up or down with the order of a batch's rows (by 1 % of the largest bias, over several orders).
 */
const isUnsettled = (dir: string, key: string, at: number) => dir === "trainer_6" && ((key === "b_enc" && at === 28) || (key === "W_enc" && at % 40 === 28));

/** The recorded weights before the first step, as a trainer takes them. */
async function initial(dir: string, name: string): Promise<Record<string, Float32Array>> {
  const own = Object.entries(inits).flatMap(([path, tensor]) => (path.startsWith(`${dir}/`) ? [[path.slice(dir.length + 1), tensor] as const] : []));
  const file = new Map(own);
  const kind = saved.find((one) => one.name === name.replace(/_(april|p_anneal|anneal)$/, ""))!;
  const weights = await sae.readWeights(kind, { names: [...file.keys()], info: async (key) => file.get(key)!, read: async (key) => ({ dtype: "f32", data: file.get(key)!.data.slice() }) });
  return Object.fromEntries(Object.entries(weights).flatMap(([key, value]) => (value instanceof Float32Array || value instanceof sae.Columns ? [[key, sae.rowsOf(value)]] : [])));
}

// On cpu: trainers and buffer are tested on every device where they live, and a software GPU takes its time for nine.
const cpus = (await devices()).flatMap(({ device }) => (device?.kind === "cpu" ? [device] : []));

describe.each(cpus)("on $label", (device) => {
  test("a run of trainSAE is followed to its files: norm factor, checkpoints, ae.pt, config.json", async () => {
    const source = (batch: number) => ({
      device,
      widths: { [site]: D },
      rerun: () => expect.unreachable(),
      async next() {
        if (batch === x.shape[0]) return undefined;
        const data = x.data.slice(batch * B * D, ++batch * B * D) as Float32Array;
        return { rows: { tokens: new Uint32Array(B), start: Uint32Array.of(0, B) }, activations: { [site]: device.tensor(data, [B, D]) }, cursor: null };
      },
    });
    const specs = await Promise.all(
      recorded.trainers.map(async ({ dir, name, trainer, args }): Promise<sae.TrainerSpec> => {
        const options = Object.fromEntries(Object.entries(args).flatMap(([key, value]) => (ofSetting.has(key) ? [] : [[sae.optionName(key), value]])));
        const spec = makers[trainer](options as never);
        const parameters = await initial(dir, name);
        return { ...spec, start: (setting) => spec.start({ ...setting, parameters }) };
      }),
    );
    using training = train(source(recorded.first_training_batch_index), specs, {
      tokens: recorded.steps * B,
      batchSize: B,
      bufferTokens: B,
      origin: () => ({ layer: 3, lmName: "org/tiny-model", submoduleName: submoduleName(site) }),
      normFactors: () => normFactors(openBuffer(source(0), { batchSize: B, capacity: B, seed: 0 })),
    });
    const directory = new RunDirectory(folder);
    for await (const { step } of training)
      for (const trainee of training.trainees) if ([10, 20, 30].includes(step)) await directory.writeDictionary(trainee, { normFactor: training.normFactor(site), ...(step < 30 && { step }) });
    expectClose([training.normFactor(site)], [recorded.norm_factor], { relative: 1e-6 });

    for (const { dir } of recorded.trainers) {
      const ours = join(folder, "resid_post_layer_3", dir);
      const { trainer } = JSON.parse(readFileSync(oracle(`formats/dl_run/${dir}/config.json`), "utf8"));
      const own = JSON.parse(readFileSync(join(ours, "config.json"), "utf8")).trainer;
      for (const [key, value] of Object.entries(trainer)) if (key !== "device") expect(own[key], `${dir} ${key}`).toEqual(value);
      for (const name of ["checkpoints/ae_10.pt", "checkpoints/ae_20.pt", "ae.pt"]) {
        const [actual, expected] = await Promise.all([readFileSync(join(ours, name)), readFileSync(oracle(`formats/dl_run/${dir}/${name}`))].map((bytes) => openTorch(memorySource(bytes))));
        expect(actual.names).toEqual(expected.names);
        for (const key of expected.names) {
          const [{ data: got }, { data: wanted }] = await Promise.all([actual.read(key), expected.read(key)]);
          const numbers = Array.from(wanted as ArrayLike<number | bigint>, Number);
          const largest = numbers.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
          const settled = numbers.map((v, at) => (isUnsettled(dir, key, at) && Math.abs(Number(got[at]) - v) < 0.02 * largest ? Number(got[at]) : v));
          expectClose(Array.from(got as ArrayLike<number | bigint>, Number), settled, { absolute: 5e-5 * largest });
        }
      }
    }
  });
});

describe("states", () => {
  const state = (step: number) => ({
    step,
    normFactors: { final_norm: 2.5 },
    buffer: { json: { version: 1 as const, batchSize: 4, capacity: 8, skipFirst: 0, tokens: null, partial: false, cursor: { text: null, used: step }, ended: false, filling: true, drawn: 4, unread: 0 }, tensors: [{ name: "rng", dtype: "u32", shape: [2], data: Uint32Array.of(step, 4294967295) }] },
    trainers: [[{ name: "numbers", dtype: "f64", shape: [], data: Float64Array.of(0.1) }], [{ name: "adam.m/bias", dtype: "f32", shape: [2], data: Float32Array.of(step, -1) }]],
  });
  const about = { engine: "wasm" };
  const names = () => readdirSync(join(folder, "state")).sort();
  const files = () => (readdirSync(folder, { recursive: true }) as string[]).filter((name) => statSync(join(folder, name)).isFile()).sort();

  test("come back as they were; the newest two are kept, and what was cut off goes", async () => {
    const directory = new RunDirectory(folder);
    await expect(directory.readState()).rejects.toMatchObject({ code: "NOT_FOUND" });
    for (const step of [5, 10, 100]) {
      await directory.writeState(state(step), about);
      expect(await directory.readState()).toEqual({ state: state(step), about });
    }
    expect(names()).toEqual(["latest", "step-10", "step-100"]);
    writeFileSync(join(folder, "state/.step-110.part"), "cut off");
    await directory.writeState(state(100), about); // once more, as at Ctrl-C: never over the one that counts
    expect(names()).toEqual(["latest", "step-10", "step-100-again"]);
    await directory.writeState(state(100), about);
    expect(names()).toEqual(["latest", "step-10", "step-100"]);
    expect(await directory.savedStep()).toBe(100);
  });

  test("a state that can't be written leaves the one that counts, also of the same step, and nothing beside; the error says where and what", async () => {
    const directory = new RunDirectory(folder);
    await directory.writeState(state(5), about);
    await directory.writeState(state(10), about);
    const before = names();
    for (const step of [10, 20]) {
      mkdirSync(join(folder, "state/latest.part")); // no file can be written there
      await expect(directory.writeState(state(step), about)).rejects.toMatchObject({ code: "IO", message: `${join(folder, "state/latest")}: expected to write it, got EISDIR, illegal operation on a directory` });
      rmSync(join(folder, "state/latest.part"), { recursive: true, force: true });
      expect(await directory.readState()).toEqual({ state: state(10), about });
    }
    await (await directory.lock()).release(); // as the next run does
    expect(names()).toEqual(before);
  });

  test("a damaged one is told", async () => {
    const directory = new RunDirectory(folder);
    await directory.writeState(state(5), about);
    writeFileSync(join(folder, "state/step-5/state.json"), '{"version":2}');
    await expect(directory.readState()).rejects.toMatchObject({ code: "FORMAT", message: `${join(folder, "state/step-5")}: expected a state.json of version 1, got 2` });
    writeFileSync(join(folder, "state/latest"), "step-7\n");
    await expect(directory.readState()).rejects.toMatchObject({ code: "FORMAT", message: expect.stringMatching(/state\.json of version 1, got none$/) });
  });

  test("whether it can be written is found out without a trace; what is there stays", async () => {
    await (await new RunDirectory(join(folder, "a/b")).lock()).release();
    expect(readdirSync(folder)).toEqual([]);
    writeFileSync(join(folder, "a-file"), "");
    await (await new RunDirectory(folder).lock()).release();
    expect(readdirSync(folder)).toEqual(["a-file"]);
    await expect(new RunDirectory(join(folder, "a-file")).lock()).rejects.toMatchObject({ code: "IO" });
  });

  test("what a killed run was just writing goes when the folder is taken; files of others that are called alike stay", async () => {
    const directory = new RunDirectory(folder);
    const trainee = { site: "final_norm", index: 0 };
    await directory.writeState(state(5), about);
    await directory.writeState(state(10), about);
    await directory.appendMetrics(trainee, { step: 1 });
    const there = files();
    mkdirSync(join(folder, "final_norm/trainer_0/checkpoints"));
    mkdirSync(join(folder, "state/.step-20.part"));
    for (const path of ["report.html.part", "state/latest.part", "state/.step-20.part/buffer.safetensors", "final_norm/trainer_0/ae.pt.part", "final_norm/trainer_0/config.json.part", "final_norm/trainer_0/checkpoints/ae_20.pt.part"]) writeFileSync(join(folder, path), "half");
    writeFileSync(join(folder, "film.mkv.part"), "somebody's");
    await (await directory.lock()).release();
    expect(files()).toEqual([...there, "film.mkv.part"].sort());
  });

  test("a run in a folder keeps others out, and is told by process, machine and time; when it is gone its folder is taken over", async () => {
    const directory = new RunDirectory(join(folder, "out"));
    const lock = await directory.lock();
    await expect(directory.lock()).rejects.toMatchObject({ code: "IO", message: expect.stringMatching(new RegExp(`^${join(folder, "out")}: expected a folder that no other process writes to, got process ${process.pid} on \\S+ at it since 20\\d\\d-\\S+Z$`)), remedy: "wait for it, end it, or give another folder" });
    const path = join(folder, "out/.lock");
    const holder = JSON.parse(readFileSync(path, "utf8"));
    await lock.release();
    expect(readdirSync(folder)).toEqual([]);

    mkdirSync(join(folder, "out"));
    writeFileSync(path, JSON.stringify({ ...holder, pid: 2 ** 22 + 1 })); // above any process's number
    const notes: string[] = [];
    await (await directory.lock({ note: (line) => void notes.push(line) })).release();
    expect(notes).toEqual([`${join(folder, "out")}: process ${2 ** 22 + 1} on ${holder.host} was at it since ${holder.since} and is gone; going on`]);

    mkdirSync(join(folder, "out"), { recursive: true });
    writeFileSync(path, JSON.stringify({ ...holder, host: "another-machine" }));
    await expect(directory.lock()).rejects.toMatchObject({ message: expect.stringMatching(/on another-machine at it since \S+ \(last sign of life \d+ s ago\)$/), remedy: `if it no longer runs there, which can't be told from here, delete ${path}` });
  });

  test("half a line of metrics, as a full disk leaves it, is taken back", async () => {
    const directory = new RunDirectory(folder);
    const trainee = { site: "final_norm", index: 0 };
    await directory.appendMetrics(trainee, { step: 1 });
    const path = join(folder, "final_norm/trainer_0/metrics.jsonl");
    const line: Record<string, number> = { step: 2 };
    // Only so much fits: 32 kB with this limit of the shell's.
    const program = `import { RunDirectory } from ${JSON.stringify(new URL("../dist/index.js", import.meta.url).href)};
      process.on("SIGXFSZ", () => {});
      await new RunDirectory(${JSON.stringify(folder)}).appendMetrics(${JSON.stringify(trainee)}, ${JSON.stringify({ ...line, ...Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`x${i}`, i])) })}).then(() => console.log("written"), ({ code, message }) => console.log(code, message));`;
    writeFileSync(join(folder, "program.mjs"), program);
    const { stdout } = spawnSync("sh", ["-c", `ulimit -f 64; exec "${process.execPath}" program.mjs`], { cwd: folder, encoding: "utf8" });
    expect(stdout).toBe(`IO ${path}: expected to write it, got EFBIG, file too large\n`);
    expect(readFileSync(path, "utf8")).toBe('{"step":1}\n');
  });

  test("a move aside that is cut short goes on where it was; until its end the earlier run can be gone on with", async () => {
    const directory = new RunDirectory(folder);
    const trainee = { site: "final_norm", index: 0 };
    await directory.writeState(state(5), about);
    await directory.appendMetrics(trainee, { step: 1 });
    mkdirSync(join(folder, "earlier-1"));
    renameSync(join(folder, "final_norm"), join(folder, "earlier-1/final_norm")); // and killed
    expect(await directory.savedStep()).toBe(5);
    expect(await directory.setAside([trainee])).toBe(join(folder, "earlier-1"));
    expect(readdirSync(join(folder, "earlier-1")).sort()).toEqual(["final_norm", "state"]);
    expect(readdirSync(folder)).toEqual(["earlier-1"]);
  });

  test("of a run that was killed before its first state was whole nothing is set aside", async () => {
    mkdirSync(join(folder, "state/.step-0.part"), { recursive: true });
    expect(await new RunDirectory(folder).setAside([{ site: "final_norm", index: 0 }])).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("metrics past a step are cut, a line that was cut off too", async () => {
    const directory = new RunDirectory(folder);
    const trainee = { site: "final_norm", index: 0 };
    for (const step of [1, 2, 3]) await directory.appendMetrics(trainee, { step });
    const path = join(folder, "final_norm/trainer_0/metrics.jsonl");
    writeFileSync(path, `${readFileSync(path, "utf8")}{"step":4,"lo`);
    expect(await directory.readMetrics(trainee)).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }]);
    await directory.cutMetrics(trainee, 2);
    expect(readFileSync(path, "utf8")).toBe('{"step":1}\n{"step":2}\n');
    expect(await directory.readMetrics({ ...trainee, index: 1 })).toEqual([]);
  });

  test("a report and an evaluation come back as they were written; an earlier run's report goes aside with it", async () => {
    const directory = new RunDirectory(folder);
    const trainee = { site: "final_norm", index: 0 };
    expect(await directory.readEvaluation(trainee)).toBeUndefined();
    await directory.appendMetrics(trainee, { step: 1 });
    await directory.writeEvaluation(trainee, { l0: 3, frac_recovered: NaN });
    expect(await directory.readEvaluation(trainee)).toEqual({ l0: 3, frac_recovered: null });
    expect(readFileSync(await directory.writeReport("<!doctype html>"), "utf8")).toBe("<!doctype html>");
    const aside = await directory.setAside([trainee]);
    expect(readdirSync(aside!).sort()).toEqual(["final_norm", "report.html"]);
    expect(readdirSync(folder)).toEqual(["earlier-1"]);
  });
});

describe("a state that someone else wrote is an error with a code", () => {
  const sound = { version: 1, step: 3, normFactors: { "layers.3.mlp_out": 2 }, trainers: 0, buffer: {}, about: {} };
  const save = (latest: string, json: string) => {
    mkdirSync(join(folder, "state", "step-3"), { recursive: true });
    writeFileSync(join(folder, "state", "latest"), latest);
    writeFileSync(join(folder, "state", "step-3", "state.json"), json);
  };

  test.each(["../../../etc", "/etc", "step-3/../../..", "", "step--1", "step-x", "x".repeat(5000), "step-3\u0000"])("latest: %j", async (latest) => {
    save(latest, JSON.stringify(sound));
    await expect(new RunDirectory(folder).readState()).rejects.toMatchObject({ name: "DictlearnError", code: "FORMAT" });
  });

  test.each<[string, unknown]>([["step", -1], ["step", "3"], ["trainers", 1e99], ["trainers", { valueOf: null, toString: null }], ["normFactors", []], ["normFactors", { a: 0 }], ["normFactors", { a: "1" }], ["buffer", null], ["about", 1], ["version", 2]])("%s: %j", async (name, value) => {
    save("step-3\n", JSON.stringify({ ...sound, [name]: value }));
    await expect(new RunDirectory(folder).readState()).rejects.toMatchObject({ name: "DictlearnError", code: "FORMAT", message: expect.stringContaining(name === "version" ? "of version 1" : name) });
  });

  test("JSON of a hundred thousand levels", async () => {
    save("step-3\n", `{"version":1,"about":${"[".repeat(100_000)}${"]".repeat(100_000)}}`);
    await expect(new RunDirectory(folder).readState()).rejects.toMatchObject({ name: "DictlearnError", code: "FORMAT", message: expect.stringContaining("at most 64 levels of JSON") });
  });
});
