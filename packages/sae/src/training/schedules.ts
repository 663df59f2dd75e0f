import { expectHyper } from "./hyper.js";

/** When the learning rate and the sparsity penalty are at their full size, in steps. */
export interface ScheduleOptions {
  /** Default 1,000, or a tenth of a run that is not longer; with `resampleSteps` again after each of them. */
  warmupSteps?: number;
  /** Steps until the sparsity penalty is in full force; null: from the start. Default 2,000, or a fifth of a run that is not longer. */
  sparsityWarmupSteps?: number | null;
  /** From here on the learning rate falls to 0 at the run's end. Default null: never. Not together with `resampleSteps`. */
  decayStart?: number | null;
}

/** A run's schedule, with what its defaults came to. */
export interface Schedule {
  readonly steps: number;
  readonly warmupSteps: number;
  readonly sparsityWarmupSteps: number | null;
  readonly decayStart: number | null;
  readonly resampleSteps: number | null;
}

/**
 * A schedule with its defaults. dictionary_learning's warm-ups of 1,000 and 2,000 steps become a tenth and a fifth of a run
 * that is not longer than they are.
 * @throws DictionaryError USAGE `standard: expected warmupSteps < steps = 500, got 1000`
 */
export function schedule(trainer: string, steps: number, options: ScheduleOptions & { resampleSteps?: number | null }): Schedule {
  const { decayStart = null, resampleSteps = null } = options;
  expectHyper(trainer, Number.isSafeInteger(steps) && steps > 0, "steps to be a whole number > 0", steps);
  const { warmupSteps = steps > 1000 ? 1000 : Math.floor(steps / 10), sparsityWarmupSteps = steps > 2000 ? 2000 : Math.floor(steps / 5) } = options;
  const inRun = (n: number) => Number.isSafeInteger(n) && n >= 0 && n < steps;
  expectHyper(trainer, inRun(warmupSteps), `warmupSteps to be a whole number < steps = ${steps}`, warmupSteps);
  expectHyper(trainer, sparsityWarmupSteps === null || inRun(sparsityWarmupSteps), `sparsityWarmupSteps to be a whole number < steps = ${steps}, or null`, sparsityWarmupSteps);
  const warm = Math.max(warmupSteps, sparsityWarmupSteps ?? 0);
  expectHyper(trainer, decayStart === null || (inRun(decayStart) && decayStart > warm), `decayStart to be a whole number after the warm-ups (${warm}) and < steps = ${steps}, or null`, decayStart);
  expectHyper(trainer, resampleSteps === null || (Number.isSafeInteger(resampleSteps) && resampleSteps > 0), "resampleSteps to be a whole number > 0, or null", resampleSteps);
  expectHyper(trainer, resampleSteps === null || decayStart === null, "decayStart or resampleSteps, not both", `${decayStart} and ${resampleSteps}`);
  return { steps, warmupSteps, sparsityWarmupSteps, decayStart, resampleSteps };
}

/**
 * What the learning rate is multiplied by: up from 0 over the warm-up (again after each resampling), then 1, then down to
 * 0 from `decayStart` on. Step 0 of a warm-up moves nothing.
 */
export function learningRateScale({ steps, warmupSteps, decayStart, resampleSteps }: Schedule, step: number): number {
  if (decayStart !== null && step >= decayStart) return Math.max(0, steps - step) / (steps - decayStart);
  const sinceStart = resampleSteps === null ? step : step % resampleSteps;
  return sinceStart < warmupSteps ? sinceStart / warmupSteps : 1;
}

/** What the sparsity penalty is multiplied by: up from 0 over its warm-up, then 1. */
export function sparsityScale({ sparsityWarmupSteps }: Schedule, step: number): number {
  return sparsityWarmupSteps === null || step >= sparsityWarmupSteps ? 1 : step / sparsityWarmupSteps;
}
