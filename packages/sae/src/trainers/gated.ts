import { add, decodeSparse, scale, stopGradient, sub, sumSquares, type Tensor } from "@dictlearn/kernels";
import { savedGatedAutoEncoder } from "../dictionaries/gatedAutoEncoder.js";
import { type Setting, type Trainer, type TrainerSpec } from "../trainer.js";
import { adamFor, constrainedAdam } from "../training/adam.js";
import { settingConfig, snakeKeys, without } from "../training/config.js";
import { countSilent } from "../training/deadFeatures.js";
import { fractionExplained, momentsOf } from "../training/explained.js";
import { gatedEncode, startGatedAutoEncoder, type GatedParameters } from "../training/gatedAutoEncoder.js";
import { expectNonNegative, expectPositive, withDefaults } from "../training/hyper.js";
import { makeTrainer } from "../training/makeTrainer.js";
import { overRows } from "../training/overRows.js";
import { learningRateScale, schedule, sparsityScale, type ScheduleOptions } from "../training/schedules.js";
import { meanL0, meanL1, silence } from "../training/sparsity.js";

/** Names and defaults as dictionary_learning's GatedSAETrainer has them. */
export interface GatedOptions extends ScheduleOptions {
  /** F */
  features: number;
  /** Learning rate. Default 0.00005 */
  lr?: number;
  /** λ. Default 0.1 */
  l1Penalty?: number;
}

/**
 * Whether a feature is on and how strong it is are decided apart, so that the penalty does not shrink what is on:
 * L = ⟨|x - x̂|²⟩ + λ⟨|g|₁⟩ + ⟨|x - x̂(g)|²⟩ for the gates g, decoded by a decoder that does not learn from them.
 * @throws DictionaryError USAGE `gated: expected l1Penalty to be a number >= 0, got -1`
 * @see Rajamanoharan et al. 2024, "Improving Dictionary Learning with Gated Sparse Autoencoders"; dictionary_learning, trainers/gdm.py
 */
export function gated(options: GatedOptions): TrainerSpec {
  const hyper = withDefaults<Hyper>("gated", defaults, options);
  expectPositive("gated", "lr", hyper.lr);
  expectNonNegative("gated", "l1Penalty", hyper.l1Penalty);
  return { name: "gated", hyper: { ...hyper }, start: (setting) => start(hyper, setting) };
}

const defaults = { lr: 5e-5, l1Penalty: 0.1, warmupSteps: undefined, sparsityWarmupSteps: undefined, decayStart: null };
type Hyper = GatedOptions & { lr: number; l1Penalty: number };

/** What the gated trainers have in common: both reconstructions, and the gates for a penalty. @param x f32[B,D] */
export function reconstructions(p: GatedParameters, x: Tensor) {
  const { features, gates, xHat } = gatedEncode(p, x);
  const fromGates = decodeSparse(gates, stopGradient(p.decoder), stopGradient(p.decoderBias));
  const meanSquare = (error: Tensor) => scale(sumSquares(error), 1 / x.shape[0]);
  const error = sub(x, xHat);
  return { mse: meanSquare(error), aux: meanSquare(sub(x, fromGates)), error, features, gates };
}

/** @param x f32[B,D] @param penalty λ times its warm-up */
export function objective(p: GatedParameters, x: Tensor, { penalty }: { penalty: number }) {
  const { mse, aux, error, features, gates } = reconstructions(p, x);
  const l1 = meanL1(gates);
  return { loss: add(add(mse, scale(l1, penalty)), aux), mse, aux, l1, error, features };
}

function start(hyper: Hyper, setting: Setting): Trainer {
  const { device, steps } = setting;
  const F = hyper.features;
  const plan = schedule("gated", steps, hyper);
  const parameters = startGatedAutoEncoder("gated", F, setting);
  const adam = adamFor(parameters);
  const stepsSinceActive = device.keep(device.zeros([F], "u32"));

  return makeTrainer(setting, {
    name: "gated",
    saved: savedGatedAutoEncoder,
    config: { dict_class: "GatedAutoEncoder", trainer_class: "GatedSAETrainer", ...without({ ...settingConfig(setting, "GatedSAETrainer"), ...snakeKeys({ ...hyper, ...plan }) }, "resample_steps", "steps") },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v, counters: { stepsSinceActive } },
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      const sparsity = sparsityScale(plan, step);
      silence.passed(stepsSinceActive, 1);
      const { value, gradients } = overRows(parameters, x, { places: 2 * F }, (p, rows) => {
        const { loss, mse, aux, l1, error, features } = objective(p, rows, { penalty: hyper.l1Penalty * sparsity });
        silence.seen(stepsSinceActive, features);
        return { loss, mse_loss: mse, aux_loss: aux, sparsity_loss: l1, l0: meanL0(features), moments: momentsOf(rows, error) };
      });
      constrainedAdam(adam, parameters, gradients, { lr, step, beta1: 0 });
      const { moments, ...parts } = value;
      return { ...parts, frac_variance_explained: fractionExplained(moments), dead_features: countSilent(stepsSinceActive, { steps, B: x.shape[0] }), lr, sparsity_scale: sparsity };
    },
  });
}
