import { existsSync } from "node:fs";
import { open, readdir, readFile, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { openSafetensors, writeSafetensors, writeTorch, type NamedTensor } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";
import { type Lock } from "@dictlearn/hub";
import { writeDictionaryLearning, type AnyTensor } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";
import { lockFolder } from "./lockFolder.js";
import { localFolder } from "./localFolder.js";
import { readJson } from "./readJson.js";
import { type Trainee, type TrainingState } from "./train.js";
import { appendWhole, makeLastingFolder, syncFolder, writeWhole, writingFailed } from "./wholeFile.js";

// <path>/resid_post_layer_3/trainer_0/{config.json, ae.pt, checkpoints/ae_STEP.pt, metrics.jsonl, eval_results.json}
// <path>/report.html, <path>/state/{latest, step-N/{state.json, buffer.safetensors, trainer_0.safetensors, ...}}

/** A state as it lies in a run directory, with what the writer said of it. */
export interface SavedTraining {
  readonly state: TrainingState;
  /** Whatever was recorded with it: settings, engine, versions. */
  readonly about: Readonly<Record<string, unknown>>;
}

/** `layers.3.resid_post` as dictionary_learning names it: `resid_post_layer_3`. */
export const submoduleName = (site: string): string => site.replace(/^layers\.(\d+)\.(.+)$/, "$2_layer_$1");

/**
 * The folder of a training run, laid out as dictionary_learning does. Every file appears whole or not at all: it is written
 * beside, synced and renamed; so is a state, a folder. A process that is killed leaves the last state that was whole.
 */
export class RunDirectory {
  constructor(readonly path: string) {}

  /** The folder of a dictionary. */
  folderOf({ site, index }: Pick<Trainee, "site" | "index">): string {
    return join(this.path, submoduleName(site), `trainer_${index}`);
  }

  /**
   * Takes the folder for this process, made if it is not there, and removes what a killed run was just writing. Released, it is gone again
   * if it is empty.
   * @param options.note told of a killed run whose lock is taken over
   * @throws IO where another run is at it, or may be, and unless files can be written here
   */
  async lock(options?: { note?: (line: string) => void }): Promise<Lock> {
    const made = await makeLastingFolder(this.path).catch((error: Error) => {
      const { code } = (error.cause ?? error) as NodeJS.ErrnoException;
      throw new DictlearnError("IO", `${this.path}: expected a folder that can be written, got ${code ?? error.message}`, undefined, { cause: error });
    });
    const removeMade = async () => void (made !== undefined && (await removeEmpty(this.path, made)));
    const lock = await lockFolder(this.path, options).catch(async (error) => {
      await removeMade();
      throw error;
    });
    const release = async () => {
      await lock.release();
      await removeMade();
    };
    await this.#removeLeft().catch(async (error) => {
      await release();
      throw writingFailed(this.path, error);
    });
    return { ...lock, release, [Symbol.asyncDispose]: release };
  }

  /** What a run that was cut short was just writing or removing, here and in folders of dictionaries. Other files are other people's. */
  async #removeLeft(): Promise<void> {
    const remove = (folder: string, parts: RegExp) => removeNamed(join(this.path, folder), parts);
    await remove("", /^report\.html\.part$/);
    await this.#removeOlderStates();
    for (const submodule of await namesIn(this.path))
      for (const trainer of await namesIn(join(this.path, submodule))) {
        if (!/^trainer_\d+$/.test(trainer)) continue;
        await remove(join(submodule, trainer), /^(config\.json|ae\.pt|metrics\.(jsonl|csv)|eval_results\.json|events\.out\.tfevents\..*)\.part$/);
        await remove(join(submodule, trainer, "checkpoints"), /^ae_\d+\.pt\.part$/);
      }
  }

  /**
   * Moves what an earlier run left where these dictionaries go, its state and its report, into `earlier-1` (or the next that is free).
   * @returns where it is now, or undefined if there was none
   */
  async setAside(dictionaries: readonly Pick<Trainee, "site" | "index">[]): Promise<string | undefined> {
    const states = join(this.path, "state");
    if (!existsSync(join(states, "latest"))) await rm(states, { recursive: true, force: true }); // of a run that was killed before it began
    const names = await namesIn(this.path);
    const submodules = new Set(dictionaries.map(({ site }) => submoduleName(site)));
    // The state last: until then the earlier run can be gone on with, and a move that was cut short is known by the want of it.
    const before = ["report.html", ...submodules, "state"].filter((name) => names.includes(name));
    if (before.length === 0) return undefined;
    let n = 1;
    while (names.includes(`earlier-${n}`)) n++;
    const last = await namesIn(join(this.path, `earlier-${n - 1}`));
    if (n > 1 && !last.includes("state") && !last.some((name) => before.includes(name))) n--;
    const aside = join(this.path, `earlier-${n}`);
    await makeLastingFolder(aside);
    for (const name of before) await rename(join(this.path, name), join(aside, name));
    for (const folder of [aside, this.path]) await syncFolder(folder);
    return aside;
  }

  /**
   * Writes a dictionary as it is now, for activations that are not normalised.
   * @param options.normFactor what it was trained on activations divided by
   * @param options.step writes `checkpoints/ae_STEP.pt`; without: `ae.pt`
   * @returns the path of the file
   * @throws FORMAT, and writes nothing, if a weight is not finite
   */
  async writeDictionary(trainee: Trainee, { normFactor, step, buffer }: { normFactor: number; step?: number; buffer?: Readonly<Record<string, unknown>> }): Promise<string> {
    const { trainer, spec, site, index } = trainee;
    const { tensors, config } = writeDictionaryLearning(trainer.saved, await trainer.weights(), { normFactor, trainer: trainer.config, buffer });
    for (const [name, { data }] of Object.entries(tensors))
      if (data instanceof Float32Array && !data.every(Number.isFinite)) throw new DictlearnError("FORMAT", `${spec.name} (trainer ${index} at ${site}): expected finite weights, got ${data.find((x) => !Number.isFinite(x))} in ${name}`, "try a smaller learning rate, or a longer warm-up");
    const folder = this.folderOf(trainee);
    const path = step === undefined ? join(folder, "ae.pt") : join(folder, "checkpoints", `ae_${step}.pt`);
    await makeLastingFolder(dirname(path));
    await writeWhole(join(folder, "config.json"), [`${JSON.stringify(config, null, 4)}\n`]);
    await writeWhole(path, writeTorch(tensors));
    return path;
  }

  /** Adds a line to a dictionary's `metrics.jsonl`. */
  async appendMetrics(trainee: Pick<Trainee, "site" | "index">, line: Readonly<Record<string, number>>): Promise<void> {
    const path = this.#metrics(trainee);
    await makeLastingFolder(dirname(path));
    await appendWhole(path, `${JSON.stringify(line)}\n`);
  }

  /** Makes the lines of `metrics.jsonl` last: a state that is written next is behind them. */
  async syncMetrics(trainee: Pick<Trainee, "site" | "index">): Promise<void> {
    const path = this.#metrics(trainee);
    if (!existsSync(path)) return;
    try {
      const file = await open(path, "a");
      await file.sync().finally(() => file.close());
      await syncFolder(dirname(path));
    } catch (error) {
      throw writingFailed(path, error);
    }
  }

  #metrics(trainee: Pick<Trainee, "site" | "index">): string {
    return join(this.folderOf(trainee), "metrics.jsonl");
  }

  /** Takes out the lines of `metrics.jsonl` past a step, which a run that goes on there writes again. */
  async cutMetrics(trainee: Pick<Trainee, "site" | "index">, step: number): Promise<void> {
    const path = this.#metrics(trainee);
    const text = await readFile(path, "utf8").catch(() => "");
    const kept = text.split("\n").filter((line) => (lineOf(line)?.step ?? Infinity) <= step);
    if (text !== "") await writeWhole(path, [kept.map((line) => `${line}\n`).join("")]);
  }

  /** Writes a dictionary's `eval_results.json`. */
  async writeEvaluation(trainee: Pick<Trainee, "site" | "index">, results: Readonly<Record<string, unknown>>): Promise<string> {
    const path = join(this.folderOf(trainee), "eval_results.json");
    await writeWhole(path, [`${JSON.stringify(results, null, 4)}\n`]);
    return path;
  }

  /** The lines of a dictionary's `metrics.jsonl`; one that was cut off is left out. A number that is not finite is null there. */
  async readMetrics(trainee: Pick<Trainee, "site" | "index">): Promise<Record<string, number | null>[]> {
    const text = await readFile(this.#metrics(trainee), "utf8").catch(() => "");
    return text.split("\n").map(lineOf).filter((line) => line !== undefined);
  }

  /** A dictionary's `eval_results.json`, undefined where there is none. */
  async readEvaluation(trainee: Pick<Trainee, "site" | "index">): Promise<Record<string, unknown> | undefined> {
    return readJson(localFolder(this.folderOf(trainee)), "eval_results.json");
  }

  /** Writes `report.html`. @returns its path */
  async writeReport(page: string): Promise<string> {
    const path = join(this.path, "report.html");
    await writeWhole(path, [page]);
    return path;
  }

  /** Writes a state and points `latest` at it; the one before stays, older ones go. */
  async writeState({ step, normFactors, buffer, trainers }: TrainingState, about: SavedTraining["about"]): Promise<void> {
    const states = join(this.path, "state");
    const latest = await this.#latest();
    const name = latest === `step-${step}` ? `${latest}-again` : `step-${step}`; // never over the one that counts
    const beside = join(states, `.${name}.part`);
    try {
      await rm(beside, { recursive: true, force: true });
      await makeLastingFolder(beside);
      await writeWhole(join(beside, "buffer.safetensors"), [writeSafetensors(buffer.tensors as NamedTensor[])]);
      for (const [i, tensors] of trainers.entries()) await writeWhole(join(beside, `trainer_${i}.safetensors`), [writeSafetensors(tensors as NamedTensor[])]);
      await writeWhole(join(beside, "state.json"), [`${JSON.stringify({ version: 1, step, normFactors, trainers: trainers.length, buffer: buffer.json, about }, null, 1)}\n`]);
      await rm(join(states, name), { recursive: true, force: true }); // of a run that was killed before it could point here
      await rename(beside, join(states, name));
      await syncFolder(states);
      await writeWhole(join(states, "latest"), [`${name}\n`]);
      await this.#removeOlderStates();
    } catch (error) {
      await rm(beside, { recursive: true, force: true }).catch(() => undefined);
      throw writingFailed(join(states, name), error);
    }
  }

  /** @throws NOT_FOUND if there is no state; FORMAT for one that is damaged */
  async readState(): Promise<SavedTraining> {
    const states = join(this.path, "state");
    const latest = await this.#latest();
    if (latest === undefined) throw new DictlearnError("NOT_FOUND", `${this.path}: expected a run with a state to go on from, got none`, "give the folder that an earlier run was told to save to (--save-dir)");
    if (Number.isNaN(stepOf(latest))) throw new DictlearnError("FORMAT", `${join(states, "latest")}: expected the name of a state, step-N, got ${JSON.stringify(latest.slice(0, 60))}`); // a path could lead out of the run
    const folder = join(states, latest);
    const json = savedState(await readJson(localFolder(folder), "state.json"), folder);
    const buffer = { json: json.buffer, tensors: await readTensors(join(folder, "buffer.safetensors")) };
    const trainers: AnyTensor[][] = [];
    for (let i = 0; i < json.trainers; i++) trainers.push(await readTensors(join(folder, `trainer_${i}.safetensors`)));
    return { state: { step: json.step, normFactors: json.normFactors, buffer, trainers }, about: json.about };
  }

  /** The step of the state to go on from; undefined: there is none. */
  async savedStep(): Promise<number | undefined> {
    const latest = await this.#latest();
    return latest === undefined ? undefined : stepOf(latest);
  }

  /** Removes all states, and the folder where nothing else is in it: of a run that took no step. */
  async removeState(): Promise<void> {
    await rm(join(this.path, "state"), { recursive: true, force: true });
    await removeEmpty(this.path, this.path);
  }

  /** The name of the state that counts. */
  async #latest(): Promise<string | undefined> {
    return (await readFile(join(this.path, "state", "latest"), "utf8").catch(() => undefined))?.trim();
  }

  /** Keeps the state that counts and the one before it: others, and what a process that was killed was just writing, go. */
  async #removeOlderStates(): Promise<void> {
    const states = join(this.path, "state");
    const latest = await this.#latest();
    if (latest === undefined) return;
    const names = await namesIn(states);
    const before = names.filter((name) => stepOf(name) < stepOf(latest)).sort((a, b) => stepOf(a) - stepOf(b)).at(-1);
    for (const name of names) if (!["latest", latest, before].includes(name)) await rm(join(states, name), { recursive: true });
  }
}

const stepOf = (name: string): number => Number(/^step-(\d+)(?:-again)?$/.exec(name)?.[1] ?? NaN);

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => []);

async function removeNamed(folder: string, name: RegExp): Promise<void> {
  for (const found of await namesIn(folder)) if (name.test(found)) await rm(join(folder, found), { recursive: true, force: true });
}

/** Removes empty folders from `path` up to `top`; one that something was put in meanwhile stays. */
async function removeEmpty(path: string, top: string): Promise<void> {
  for (let folder = resolve(path); folder.startsWith(resolve(top)); folder = dirname(folder)) {
    const removed = await rmdir(folder).then(() => true, () => false);
    if (!removed) return;
  }
}

interface StateJson {
  step: number;
  normFactors: TrainingState["normFactors"];
  trainers: number;
  buffer: TrainingState["buffer"]["json"];
  about: SavedTraining["about"];
}

/** @throws FORMAT unless it is what `writeState` writes; what a buffer and trainers hold, they check themselves */
function savedState(json: Readonly<Record<string, unknown>> | undefined, folder: string): StateJson {
  const wrong = (expected: string, got: unknown) => new DictlearnError("FORMAT", `${folder}: expected a state.json ${expected}, got ${(JSON.stringify(got) ?? "none").slice(0, 80)}`);
  if (json?.version !== 1) throw wrong("of version 1", json?.version);
  const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
  for (const name of ["step", "trainers"] as const) if (!isCount(json[name])) throw wrong(`with a whole number as ${name}`, json[name]);
  for (const name of ["buffer", "about"] as const) if (!isRecord(json[name])) throw wrong(`with an object as ${name}`, json[name]);
  const { normFactors = {} } = json; // before the first step they may not be measured yet
  if (!isRecord(normFactors)) throw wrong("with an object as normFactors", normFactors);
  for (const factor of Object.values(normFactors)) if (!(typeof factor === "number" && factor > 0 && factor < Infinity)) throw wrong("with factors > 0 in normFactors", factor);
  return json as unknown as StateJson;
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null && !Array.isArray(value);

async function readTensors(path: string): Promise<AnyTensor[]> {
  await using source = await fileSource(path);
  const file = await openSafetensors(source);
  const tensors: AnyTensor[] = [];
  for (const name of file.names) tensors.push({ ...(await file.read(name)), name });
  return tensors;
}

function lineOf(line: string): Record<string, number | null> | undefined {
  try {
    return JSON.parse(line) as Record<string, number | null>;
  } catch {
    return undefined; // empty, or cut off when the process was killed
  }
}
