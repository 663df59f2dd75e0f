import { snakeKeys } from "./config.js";
import { expectHyper, expectNonNegative, expectPositive } from "./hyper.js";
import { type SparsityFunction } from "./powerPenalty.js";
import { type Schedule } from "./schedules.js";

/** Which power p of the features is penalised, from step to step. */
export interface Annealing {
  readonly pStart: number;
  readonly pEnd: number;
  /** The steps after whose loss p moves on. */
  readonly updateSteps: readonly number[];
  /** f32: p after each of them. */
  readonly values: readonly number[];
}

export interface AnnealingOptions {
  annealStart?: number;
  annealEnd?: number | null;
  pStart: number;
  pEnd: number;
  nSparsityUpdates: number | "continuous";
}

/** What the annealing trainers' hyper-parameters are by default; the learning rate is each one's own. */
export const annealingDefaults = {
  initialSparsityPenalty: 0.1,
  sparsityFunction: "Lp^p" as const,
  pStart: 1,
  pEnd: 0,
  annealStart: undefined,
  annealEnd: null,
  nSparsityUpdates: 10,
  sparsityQueueLength: 10,
  warmupSteps: undefined,
  sparsityWarmupSteps: undefined,
  decayStart: null,
};

/** Of an annealing trainer's hyper-parameters those that have a value before the run is known. */
export interface AnnealingHyper extends AnnealingOptions {
  features: number;
  lr: number;
  initialSparsityPenalty: number;
  sparsityFunction: SparsityFunction;
  sparsityQueueLength: number;
}

/**
 * p from `pStart` to `pEnd` at evenly spaced steps from `annealStart` to `annealEnd`. dictionary_learning's start at step
 * 15,000 becomes the middle of a run that ends before; its end is the run's.
 * @throws DictionaryError USAGE `pAnneal: expected annealStart to be a whole number < annealEnd = 500, got 600`
 */
export function annealing(trainer: string, steps: number, options: AnnealingOptions): Annealing {
  const { annealStart = steps > 15000 ? 15000 : Math.floor(steps / 2), pStart, pEnd } = options;
  const annealEnd = options.annealEnd ?? steps;
  const inRun = (n: number) => Number.isSafeInteger(n) && n >= 0 && n <= steps;
  expectHyper(trainer, inRun(annealEnd), `annealEnd to be a whole number <= steps = ${steps}`, annealEnd);
  expectHyper(trainer, inRun(annealStart) && annealStart < annealEnd, `annealStart to be a whole number < annealEnd = ${annealEnd}`, annealStart);
  const range = annealEnd - annealStart + 1;
  const updates = options.nSparsityUpdates === "continuous" ? range : options.nSparsityUpdates;
  expectHyper(trainer, Number.isSafeInteger(updates) && updates >= 2 && updates <= range, `nSparsityUpdates from 2 to annealEnd - annealStart + 1 = ${range}, or "continuous"`, updates);
  return { pStart, pEnd, updateSteps: linspace(annealStart, annealEnd, updates).map(Math.trunc), values: linspace(pStart, pEnd, updates) };
}

/** What both annealing trainers check before a run is known. */
export function expectAnnealing(trainer: string, hyper: AnnealingHyper): void {
  expectPositive(trainer, "lr", hyper.lr);
  expectNonNegative(trainer, "initialSparsityPenalty", hyper.initialSparsityPenalty);
  expectHyper(trainer, hyper.sparsityFunction === "Lp" || hyper.sparsityFunction === "Lp^p", "sparsityFunction Lp or Lp^p", hyper.sparsityFunction);
  const least = hyper.sparsityFunction === "Lp" ? "> 0 with sparsityFunction Lp" : ">= 0";
  for (const name of ["pStart", "pEnd"] as const) expectHyper(trainer, Number.isFinite(hyper[name]) && (hyper[name] > 0 || (hyper[name] === 0 && least === ">= 0")), `${name} ${least}`, hyper[name]);
  expectHyper(trainer, Number.isSafeInteger(hyper.sparsityQueueLength) && hyper.sparsityQueueLength > 0, "sparsityQueueLength to be a whole number > 0", hyper.sparsityQueueLength);
}

/** An annealing trainer's part of config.json, with what its defaults came to. */
export function annealingConfig(hyper: AnnealingHyper, plan: Schedule, { updateSteps }: Annealing): Record<string, unknown> {
  const { features, lr, sparsityFunction, initialSparsityPenalty, pStart, pEnd, sparsityQueueLength } = hyper;
  return snakeKeys({ features, lr, sparsityFunction, sparsityPenalty: initialSparsityPenalty, pStart, pEnd, annealStart: updateSteps[0], nSparsityUpdates: updateSteps.length, sparsityQueueLength, ...plan });
}

/** The power in a step's loss, and the one that comes next: none before the first update. */
export function powersAt({ pStart, pEnd, updateSteps, values }: Annealing, step: number): { p: number; nextP: number | null } {
  const passed = updateSteps.filter((at) => at < step).length;
  return passed === 0 ? { p: pStart, nextP: null } : { p: values[passed - 1], nextP: values[passed] ?? pEnd };
}

/** n numbers from start to end as torch.linspace has them in float32: from both ends, each product fused with its sum. */
export function linspace(start: number, end: number, n: number): number[] {
  const [from, to] = [Math.fround(start), Math.fround(end)];
  const stride = Math.fround(Math.fround(to - from) / (n - 1));
  return Array.from({ length: n }, (_, i) => Math.fround(i < Math.floor(n / 2) ? from + stride * i : to - stride * (n - 1 - i)));
}
