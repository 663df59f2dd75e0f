import { openBuffer, restoreBuffer, type ActivationBuffer, type ActivationSource, type Batch, type BufferState } from "@dictlearn/activations";
import { scale, type Tensor } from "@dictlearn/kernels";
import { readLog, type AnyTensor, type Setting, type StepLog, type Trainer, type TrainerSpec } from "@dictlearn/sae";
import { DictlearnError } from "./error.js";

export interface TrainOptions {
  /** How many tokens to train on; whole batches of them are. */
  tokens: number;
  /** B, tokens of a batch; default 4096. */
  batchSize?: number;
  /** Of all random numbers; default 0. */
  seed?: number;
  /** Tokens that the buffer holds; default 20 batches. */
  bufferTokens?: number;
  /** Leaves out the first positions of each row; default 0. */
  skipFirst?: number;
  /** What activations are divided by, by site: numbers, or how to measure them before the first step (`normFactors`). Default: they stay as they are. */
  normFactors?: Readonly<Record<string, number>> | (() => Promise<Readonly<Record<string, number>>>);
  /** The losses are read, which waits for the device, every so many steps and at the last; default 1. */
  logEvery?: number;
  /** What config.json says of where the activations come from, by site. */
  origin?(site: string): Setting["origin"];
  /** Goes on where `state()` was taken: with the same options, and the source opened at `state.buffer.json.cursor`. */
  state?: TrainingState;
}

/** All that the next steps depend on, between two of them. */
export interface TrainingState {
  /** Steps that are done. */
  readonly step: number;
  /** By site; empty where activations are not normalised, undefined where that is not measured yet. */
  readonly normFactors?: Readonly<Record<string, number>>;
  readonly buffer: BufferState;
  /** What each trainer saves, in their order. */
  readonly trainers: readonly (readonly AnyTensor[])[];
}

/** One of the dictionaries in training: a spec at a site. */
export interface Trainee {
  readonly site: string;
  /** Which of the specs, from 0. */
  readonly index: number;
  readonly spec: TrainerSpec;
  readonly trainer: Trainer;
}

export interface TrainStep {
  /** Steps that are done, this one included. */
  readonly step: number;
  /** Tokens that they took. */
  readonly tokens: number;
  /** Of the first dictionary, where this step was read. */
  readonly loss?: number;
  readonly l0?: number;
  /** What each trainer logs, in the order of `trainees`, where this step was read. */
  readonly logs?: readonly Readonly<Record<string, number>>[];
}

/**
 * Trains dictionaries on activations: every spec at every site of the source, all on the same batches of one pass.
 *
 * `for await (const step of train(activations, topK({ features: 4096, k: 32 }), { tokens: 10_000_000 })) console.log(step.loss)`
 *
 * One can leave the loop and go on with another over the same training. Where the source ends early, so does the loop:
 * `endedEarly` says so.
 * @throws at once: DictionaryError USAGE for what does not fit the run (`warmupSteps`, k), DictlearnError USAGE for fewer
 *   tokens than a batch; while iterating: FORMAT for a loss that is not finite, and what the source throws
 */
export function train(source: ActivationSource & { readonly widths: Readonly<Record<string, number>> }, specs: TrainerSpec | readonly TrainerSpec[], options: TrainOptions): Training {
  return new Training(source, [specs].flat(), options);
}

export class Training implements AsyncIterable<TrainStep> {
  /** How many steps the whole run has. */
  readonly steps: number;
  /** B, tokens of a step. */
  readonly batchSize: number;
  /** By site, then in the order of the specs. */
  readonly trainees: readonly Trainee[];
  readonly #source: ActivationSource;
  readonly #options: TrainOptions & { seed: number };
  #step: number;
  #normFactors: Readonly<Record<string, number>> | undefined;
  #buffer: ActivationBuffer | undefined;
  #endedEarly = false;

  /** Use train. */
  constructor(source: ActivationSource & { readonly widths: Readonly<Record<string, number>> }, specs: readonly TrainerSpec[], options: TrainOptions) {
    const { tokens, batchSize = 4096, seed = 0, origin, normFactors = {}, state } = options;
    if (!Number.isSafeInteger(batchSize) || batchSize < 1) throw new DictlearnError("USAGE", `train: expected batchSize to be a whole number >= 1, got ${batchSize}`);
    if (!Number.isSafeInteger(tokens) || tokens < batchSize) throw new DictlearnError("USAGE", `train: expected tokens of at least a batch of ${batchSize}, got ${tokens}`, "train on more, or in smaller batches");
    this.#source = source;
    this.#options = { ...options, seed };
    this.batchSize = batchSize;
    this.steps = Math.floor(tokens / batchSize);
    this.#step = state?.step ?? 0;
    this.#normFactors = state?.normFactors ?? (typeof normFactors === "function" ? undefined : normFactors);
    const trainees: Trainee[] = [];
    this.trainees = trainees;
    try {
      for (const [site, D] of Object.entries(source.widths)) {
        for (const [index, spec] of specs.entries()) {
          const trainer = spec.start({ device: source.device, D, steps: this.steps, seed, origin: origin?.(site) });
          trainees.push({ site, index, spec, trainer });
          if (state) trainer.load(state.trainers[trainees.length - 1] ?? []);
        }
      }
    } catch (error) {
      this.dispose();
      throw error;
    }
  }

  /** Steps that are done. */
  get step(): number {
    return this.#step;
  }

  /** Whether the source ended before all steps were done, so that `step` stays below `steps`. A loop over the steps just ends there. */
  get endedEarly(): boolean {
    return this.#endedEarly;
  }

  /** What the activations of a site are divided by; 1 before the first step, and where they are not normalised. */
  normFactor(site: string): number {
    return this.#normFactors?.[site] ?? 1;
  }

  /** The next step, or undefined when all are done or the source has ended (`endedEarly`). */
  async next(): Promise<TrainStep | undefined> {
    if (this.#step >= this.steps) return undefined;
    const { logEvery = 1, normFactors } = this.#options;
    if (typeof normFactors === "function") this.#normFactors ??= await normFactors();
    const buffer = await this.#open();
    const batch = await buffer.next();
    if (!batch) {
      this.#endedEarly = true;
      return undefined;
    }
    try {
      const logs = await this.#update(batch);
      const step = ++this.#step;
      const tokens = step * this.batchSize;
      if (step % logEvery !== 0 && step !== this.steps) return { step, tokens };
      const read = await Promise.all(logs.map(readLog));
      read.forEach((log, i) => this.#expectFinite(log, i));
      return { step, tokens, loss: read[0].loss, l0: read[0].l0, logs: read };
    } finally {
      for (const x of Object.values(batch)) x.dispose();
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TrainStep, void> {
    for (let step = await this.next(); step; step = await this.next()) yield step;
  }

  /**
   * All that going on takes. What is unread is told by tokens, and the source runs on them again; where the device does not
   * promise the same bytes a second time, its activations are saved.
   */
  async state(): Promise<TrainingState> {
    const buffer = await (await this.#open()).state({ activations: !this.#source.device.exact });
    return { step: this.#step, normFactors: this.#normFactors, buffer, trainers: await Promise.all(this.trainees.map(({ trainer }) => trainer.save())) };
  }

  /** Frees the dictionaries and the buffer. Twice is harmless. */
  dispose(): void {
    for (const { trainer } of this.trainees) trainer.dispose();
    this.#buffer?.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #open(): Promise<ActivationBuffer> {
    if (this.#buffer) return this.#buffer;
    const { batchSize } = this;
    const { seed, skipFirst, state } = this.#options;
    const tokens = this.steps * batchSize;
    const capacity = Math.min(this.#options.bufferTokens ?? 20 * batchSize, tokens); // what holds all is drawn from as more would be
    this.#buffer = state ? await restoreBuffer(this.#source, state.buffer) : openBuffer(this.#source, { batchSize, capacity, skipFirst, tokens, seed });
    return this.#buffer;
  }

  /** One step of every dictionary; those of a site share its normalised batch. */
  async #update(batch: Batch): Promise<StepLog[]> {
    const logs: StepLog[] = [];
    const scaled: Record<string, Tensor> = {};
    try {
      for (const { site, trainer } of this.trainees) {
        const normFactor = this.normFactor(site);
        const x = normFactor === 1 ? batch[site] : (scaled[site] ??= scale(batch[site], 1 / normFactor)); // f32[B,D]
        logs.push(await trainer.step(x, this.#step));
      }
    } finally {
      for (const x of Object.values(scaled)) x.dispose();
    }
    return logs;
  }

  #expectFinite({ loss }: Readonly<Record<string, number>>, i: number): void {
    if (Number.isFinite(loss)) return;
    const { site, index, spec } = this.trainees[i];
    throw new DictlearnError("FORMAT", `${spec.name} (trainer ${index} at ${site}): expected a finite loss, got ${loss} at step ${this.#step}`, "try a smaller learning rate, or a longer warm-up");
  }
}
