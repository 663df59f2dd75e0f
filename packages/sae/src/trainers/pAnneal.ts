import { add, mean, normRows, scale, sub, sumSquares, type Tensor } from "@dictlearn/kernels";
import { savedAutoEncoder } from "../dictionaries/autoEncoder.js";
import { type Setting, type Trainer, type TrainerSpec } from "../trainer.js";
import { adamFor, constrainedAdam } from "../training/adam.js";
import { AnnealedPenalty } from "../training/annealedPenalty.js";
import { annealing, annealingConfig, annealingDefaults, expectAnnealing, type AnnealingHyper } from "../training/annealing.js";
import { autoEncode, startAutoEncoder, type AutoEncoderParameters } from "../training/autoEncoder.js";
import { settingConfig, without } from "../training/config.js";
import { countSilent } from "../training/deadFeatures.js";
import { fractionExplained, momentsOf } from "../training/explained.js";
import { withDefaults } from "../training/hyper.js";
import { makeTrainer } from "../training/makeTrainer.js";
import { overRows } from "../training/overRows.js";
import { powerPenalty, type SparsityFunction } from "../training/powerPenalty.js";
import { deadFeatures, forget } from "../training/resample.js";
import { learningRateScale, schedule, sparsityScale, type ScheduleOptions } from "../training/schedules.js";
import { meanL0, silence } from "../training/sparsity.js";

/** Names and defaults as dictionary_learning's PAnnealTrainer has them, except `sparsityFunction`. */
export interface PAnnealOptions extends ScheduleOptions {
  /** F */
  features: number;
  /** Learning rate. Default 0.001 */
  lr?: number;
  /** α before it adapts. Default 0.1 */
  initialSparsityPenalty?: number;
  /** Default `Lp^p`; `Lp`, the default there, has no value at p = 0, the default of `pEnd`. */
  sparsityFunction?: SparsityFunction;
  /** p until `annealStart`. Default 1 */
  pStart?: number;
  /** p from `annealEnd` on. Default 0 */
  pEnd?: number;
  /** Default 15,000, or the middle of a run that is not longer. */
  annealStart?: number;
  /** Default null: the run's end. */
  annealEnd?: number | null;
  /** How often p moves on, evenly spaced; `continuous`: at every step. Default 10 */
  nSparsityUpdates?: number | "continuous";
  /** From how many of the last steps α adapts when p moves on. Default 10 */
  sparsityQueueLength?: number;
  /**
   * Every so many steps Adam's moments of dead features are forgotten and the warm-up begins again. Their weights stay: in
   * dictionary_learning the resampled ones are written to a copy and lost. Default null: never.
   */
  resampleSteps?: number | null;
}

/**
 * A penalty nearer and nearer to a count of active features: L = ⟨|x - x̂|²⟩ + α l_p, p from 1 down to 0, and α so that the
 * penalty stays as strong when p moves on. Decoder rows of norm 1.
 * @throws DictionaryError USAGE `pAnneal: expected pEnd > 0 with sparsityFunction Lp, got 0`
 * @see Karvonen et al. 2024, "Measuring progress in dictionary learning for language model interpretability with board game models"; dictionary_learning, trainers/p_anneal.py
 */
export function pAnneal(options: PAnnealOptions): TrainerSpec {
  const hyper = withDefaults<Hyper>("pAnneal", defaults, options);
  expectAnnealing("pAnneal", hyper);
  return { name: "pAnneal", hyper: { ...hyper }, start: (setting) => start(hyper, setting) };
}

const defaults = { lr: 1e-3, ...annealingDefaults, resampleSteps: null };
type Hyper = PAnnealOptions & AnnealingHyper;

/** @param x f32[B,D] @param penalty α times its warm-up */
export function objective(p: AutoEncoderParameters, x: Tensor, { penalty, p: power, sparsityFunction }: { penalty: number; p: number; sparsityFunction: SparsityFunction }) {
  const { features, xHat } = autoEncode(p, x);
  const error = sub(x, xHat);
  const mse = scale(sumSquares(error), 1 / x.shape[0]);
  const lp = powerPenalty(features, power, sparsityFunction);
  return { loss: add(mse, scale(lp, penalty)), mse, lp, error, features };
}

function start(hyper: Hyper, setting: Setting): Trainer {
  const { device, steps } = setting;
  const F = hyper.features;
  const { sparsityFunction, initialSparsityPenalty } = hyper;
  const plan = schedule("pAnneal", steps, hyper);
  const anneal = annealing("pAnneal", steps, hyper);
  const parameters = startAutoEncoder("pAnneal", F, setting);
  const adam = adamFor(parameters);
  const penalty = new AnnealedPenalty(device, anneal, { initial: initialSparsityPenalty, length: hyper.sparsityQueueLength });
  const stepsSinceActive = device.keep(device.zeros([F], "u32"));

  /** As dictionary_learning: features that were silent for half of `resampleSteps` batches lose their moments, and keep their weights. */
  async function upkeep(adapted: void | Promise<void>, resampling: boolean): Promise<void> {
    await adapted;
    if (!resampling) return;
    const dead = await deadFeatures(stepsSinceActive, plan.resampleSteps!);
    if (dead.length) forget(dead, adam);
  }

  return makeTrainer(setting, {
    name: "pAnneal",
    saved: savedAutoEncoder,
    config: { dict_class: "AutoEncoder", trainer_class: "PAnnealTrainer", ...without(settingConfig(setting, "PAnnealTrainer"), "device"), ...annealingConfig(hyper, plan, anneal) },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v, counters: { stepsSinceActive }, penalty: { pairs: penalty.pairs } },
    numbers: penalty.numbers,
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      const sparsity = sparsityScale(plan, step);
      const { p: power, nextP, coefficient } = penalty.at(step);
      silence.passed(stepsSinceActive, 1);
      const { value, gradients } = overRows(parameters, x, { places: F }, (p, rows) => {
        const { loss, mse, lp, error, features } = objective(p, rows, { penalty: coefficient * sparsity, p: power, sparsityFunction });
        silence.seen(stepsSinceActive, features);
        const next = nextP === null ? lp : powerPenalty(features, nextP, sparsityFunction);
        return { loss, mse_loss: mse, l2_loss: mean(normRows(error)), lp_loss: lp, next, l0: meanL0(features), moments: momentsOf(rows, error) };
      });
      constrainedAdam(adam, parameters, gradients, { lr, step });
      const { next, moments, ...parts } = value;
      const explained = fractionExplained(moments);
      const dead = countSilent(stepsSinceActive, { steps, B: x.shape[0] });
      const log = () => ({ ...parts, frac_variance_explained: explained, dead_features: dead, scaled_lp_loss: scale(parts.lp_loss, coefficient * sparsity), ...penalty.log(step), lr, sparsity_scale: sparsity });
      const adapted = penalty.after(step, parts.lp_loss, next);
      const due = plan.resampleSteps !== null && step % plan.resampleSteps === plan.resampleSteps - 1;
      return adapted || due ? upkeep(adapted, due).then(log) : log();
    },
  });
}
