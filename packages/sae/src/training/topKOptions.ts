import { type Setting } from "../trainer.js";
import { expectHyper, expectNonNegative, expectPositive } from "./hyper.js";
import { type ScheduleOptions } from "./schedules.js";

/** What all trainers of the TopK family have; names and defaults as dictionary_learning's have them. */
export interface TopKFamilyOptions extends Omit<ScheduleOptions, "sparsityWarmupSteps"> {
  /** F */
  features: number;
  /** Features a row, or a row on average; 1..F. */
  k: number;
  /** Learning rate. Default 0.0002 / √(F / 16,384) */
  lr?: number;
  /** How much the auxiliary loss of dead features counts. Default 1/32 */
  auxkAlpha?: number;
  /** How much of the threshold a step keeps. Default 0.999 */
  thresholdBeta?: number;
  /** The threshold is measured after this step. Default 1,000, or a tenth of a run that would be over by then. */
  thresholdStartStep?: number;
  /** A feature is dead once this many tokens have passed without it. Default 10,000,000 */
  deadFeatureThreshold?: number;
  /** Over so many steps k comes down from D; null: it is k from the start. Default null */
  kAnnealSteps?: number | null;
}

export type TopKHyper = Required<Omit<TopKFamilyOptions, "warmupSteps" | "thresholdStartStep">> & Pick<TopKFamilyOptions, "warmupSteps" | "thresholdStartStep">;

/** @see Gao et al. 2024, figure 3, for the learning rate's 1/√F */
export const topKDefaults = ({ features, k }: TopKFamilyOptions) => ({
  k,
  lr: 2e-4 / Math.sqrt(features / 2 ** 14),
  auxkAlpha: 1 / 32,
  warmupSteps: undefined,
  decayStart: null,
  thresholdBeta: 0.999,
  thresholdStartStep: undefined,
  deadFeatureThreshold: 10_000_000,
  kAnnealSteps: null,
});

/** What can be checked before a run is known. */
export function expectTopK(trainer: string, { features, k, lr, auxkAlpha, thresholdBeta, thresholdStartStep = 0, deadFeatureThreshold }: TopKHyper): void {
  expectHyper(trainer, Number.isSafeInteger(k) && k >= 1 && k <= features, `k from 1 to features = ${features}`, k);
  expectPositive(trainer, "lr", lr);
  expectNonNegative(trainer, "auxkAlpha", auxkAlpha);
  expectHyper(trainer, thresholdBeta >= 0 && thresholdBeta < 1, "thresholdBeta from 0 to below 1", thresholdBeta);
  expectHyper(trainer, Number.isSafeInteger(thresholdStartStep) && thresholdStartStep >= 0, "thresholdStartStep to be a whole number >= 0", thresholdStartStep);
  expectDeadFeatureThreshold(trainer, deadFeatureThreshold);
}

/** Tokens are counted in 32 bits. */
export const expectDeadFeatureThreshold = (trainer: string, tokens: number): void => expectHyper(trainer, Number.isSafeInteger(tokens) && tokens > 0 && tokens < 2 ** 32 - 1, "deadFeatureThreshold to be a whole number > 0 and < 4294967295", tokens);

/** What depends on the run. */
export function inSetting(trainer: string, { features, k, kAnnealSteps, thresholdStartStep }: TopKHyper, { D, steps }: Setting): { thresholdStartStep: number; annealing: { start: number; k: number; steps: number } | null } {
  if (kAnnealSteps !== null) {
    expectHyper(trainer, Number.isSafeInteger(kAnnealSteps) && kAnnealSteps > 0 && kAnnealSteps < steps, `kAnnealSteps to be a whole number > 0 and < steps = ${steps}, or null`, kAnnealSteps);
    expectHyper(trainer, k < D, `k < D = ${D} with kAnnealSteps`, k);
  }
  return {
    thresholdStartStep: thresholdStartStep ?? (steps > 1001 ? 1000 : Math.floor(steps / 10)),
    annealing: kAnnealSteps === null ? null : { start: Math.min(D, features), k, steps: kAnnealSteps },
  };
}
