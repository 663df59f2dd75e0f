import { add, scale, type Tensor } from "@dictlearn/kernels";
import { savedGatedAutoEncoder } from "../dictionaries/gatedAutoEncoder.js";
import { type Setting, type Trainer, type TrainerSpec } from "../trainer.js";
import { adamFor, constrainedAdam } from "../training/adam.js";
import { AnnealedPenalty } from "../training/annealedPenalty.js";
import { annealing, annealingConfig, annealingDefaults, expectAnnealing, type AnnealingHyper } from "../training/annealing.js";
import { settingConfig, without } from "../training/config.js";
import { countSilent } from "../training/deadFeatures.js";
import { fractionExplained, momentsOf } from "../training/explained.js";
import { startGatedAutoEncoder, type GatedParameters } from "../training/gatedAutoEncoder.js";
import { withDefaults } from "../training/hyper.js";
import { makeTrainer } from "../training/makeTrainer.js";
import { overRows } from "../training/overRows.js";
import { powerPenalty, type SparsityFunction } from "../training/powerPenalty.js";
import { learningRateScale, schedule, sparsityScale } from "../training/schedules.js";
import { meanL0, silence } from "../training/sparsity.js";
import { reconstructions } from "./gated.js";
import { type PAnnealOptions } from "./pAnneal.js";

/**
 * Names and defaults as dictionary_learning's GatedAnnealTrainer has them: those of `pAnneal`, but a learning rate of 0.0003.
 * Resampling is not offered: there it ends in an error as soon as a feature is dead.
 */
export type GatedAnnealOptions = Omit<PAnnealOptions, "resampleSteps">;

/**
 * The gated dictionary with the penalty of `pAnneal` on its gates: L = ⟨|x - x̂|²⟩ + α l_p(g) + ⟨|x - x̂(g)|²⟩.
 * @throws DictionaryError USAGE `gatedAnneal: expected pEnd > 0 with sparsityFunction Lp, got 0`
 * @see Rajamanoharan et al. 2024 and Karvonen et al. 2024, as `gated` and `pAnneal`; dictionary_learning, trainers/gated_anneal.py
 */
export function gatedAnneal(options: GatedAnnealOptions): TrainerSpec {
  const hyper = withDefaults<Hyper>("gatedAnneal", defaults, options);
  expectAnnealing("gatedAnneal", hyper);
  return { name: "gatedAnneal", hyper: { ...hyper }, start: (setting) => start(hyper, setting) };
}

const defaults = { lr: 3e-4, ...annealingDefaults };
type Hyper = GatedAnnealOptions & AnnealingHyper;

/** @param x f32[B,D] @param penalty α times its warm-up */
export function objective(p: GatedParameters, x: Tensor, { penalty, p: power, sparsityFunction }: { penalty: number; p: number; sparsityFunction: SparsityFunction }) {
  const { mse, aux, error, features, gates } = reconstructions(p, x);
  const lp = powerPenalty(gates, power, sparsityFunction);
  return { loss: add(add(mse, scale(lp, penalty)), aux), mse, aux, lp, error, features, gates };
}

function start(hyper: Hyper, setting: Setting): Trainer {
  const { device, steps } = setting;
  const F = hyper.features;
  const { sparsityFunction } = hyper;
  const plan = schedule("gatedAnneal", steps, hyper);
  const anneal = annealing("gatedAnneal", steps, hyper);
  const parameters = startGatedAutoEncoder("gatedAnneal", F, setting);
  const adam = adamFor(parameters);
  const penalty = new AnnealedPenalty(device, anneal, { initial: hyper.initialSparsityPenalty, length: hyper.sparsityQueueLength });
  const stepsSinceActive = device.keep(device.zeros([F], "u32"));

  return makeTrainer(setting, {
    name: "gatedAnneal",
    saved: savedGatedAutoEncoder,
    config: { dict_class: "GatedAutoEncoder", trainer_class: "GatedAnnealTrainer", ...without(settingConfig(setting, "GatedAnnealTrainer"), "device", "submodule_name"), ...annealingConfig(hyper, plan, anneal) },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v, counters: { stepsSinceActive }, penalty: { pairs: penalty.pairs } },
    numbers: penalty.numbers,
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      const sparsity = sparsityScale(plan, step);
      const { p: power, nextP, coefficient } = penalty.at(step);
      silence.passed(stepsSinceActive, 1);
      const { value, gradients } = overRows(parameters, x, { places: 2 * F }, (p, rows) => {
        const { loss, mse, aux, lp, error, features, gates } = objective(p, rows, { penalty: coefficient * sparsity, p: power, sparsityFunction });
        silence.seen(stepsSinceActive, features);
        const next = nextP === null ? lp : powerPenalty(gates, nextP, sparsityFunction);
        return { loss, mse_loss: mse, aux_loss: aux, lp_loss: lp, next, l0: meanL0(features), moments: momentsOf(rows, error) };
      });
      constrainedAdam(adam, parameters, gradients, { lr, step, beta1: 0 });
      const { next, moments, ...parts } = value;
      const scaled = scale(parts.lp_loss, coefficient * sparsity);
      const explained = fractionExplained(moments);
      const dead = countSilent(stepsSinceActive, { steps, B: x.shape[0] });
      const log = () => ({ ...parts, frac_variance_explained: explained, dead_features: dead, sparsity_loss: scaled, scaled_lp_loss: scaled, ...penalty.log(step), lr, sparsity_scale: sparsity });
      const adapted = penalty.after(step, parts.lp_loss, next);
      return adapted ? adapted.then(log) : log();
    },
  });
}
