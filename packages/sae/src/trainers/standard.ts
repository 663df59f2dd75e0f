import { add, mean, normRows, scale, sub, sumSquares, type Tensor } from "@dictlearn/kernels";
import { savedAutoEncoder } from "../dictionaries/autoEncoder.js";
import { type Setting, type Trainer, type TrainerSpec } from "../trainer.js";
import { adamFor, constrainedAdam } from "../training/adam.js";
import { autoEncode, startAutoEncoder, type AutoEncoderParameters } from "../training/autoEncoder.js";
import { settingConfig, snakeKeys } from "../training/config.js";
import { countSilent } from "../training/deadFeatures.js";
import { fractionExplained, momentsOf } from "../training/explained.js";
import { expectNonNegative, expectPositive, withDefaults } from "../training/hyper.js";
import { makeTrainer } from "../training/makeTrainer.js";
import { eachRow, overRows } from "../training/overRows.js";
import { rngOf } from "../training/random.js";
import { deadFeatures, resampleDead } from "../training/resample.js";
import { learningRateScale, schedule, sparsityScale, type ScheduleOptions } from "../training/schedules.js";
import { meanL0, meanL1, silence } from "../training/sparsity.js";

/** Names and defaults as dictionary_learning's StandardTrainer has them. */
export interface StandardOptions extends ScheduleOptions {
  /** F */
  features: number;
  /** Learning rate. Default 0.001 */
  lr?: number;
  /** λ. Default 0.1 */
  l1Penalty?: number;
  /** Every so many steps dead features are pointed at badly reconstructed activations. Default null: never. */
  resampleSteps?: number | null;
}

/**
 * The sparse autoencoder with an L1 penalty and decoder rows of norm 1: L = ⟨|x - x̂|²⟩ + λ⟨|f|₁⟩.
 * @throws DictionaryError USAGE `standard: expected l1Penalty to be a number >= 0, got -1`
 * @see Bricken et al. 2023, "Towards Monosemanticity"; dictionary_learning, trainers/standard.py
 */
export function standard(options: StandardOptions): TrainerSpec {
  const hyper = withDefaults<Hyper>("standard", defaults, options);
  expectPositive("standard", "lr", hyper.lr);
  expectNonNegative("standard", "l1Penalty", hyper.l1Penalty);
  return { name: "standard", hyper: { ...hyper }, start: (setting) => start(hyper, setting) };
}

const defaults = { lr: 1e-3, l1Penalty: 0.1, warmupSteps: undefined, sparsityWarmupSteps: undefined, decayStart: null, resampleSteps: null };
type Hyper = StandardOptions & { lr: number; l1Penalty: number };

/** @param x f32[B,D] @param penalty λ times its warm-up */
export function objective(p: AutoEncoderParameters, x: Tensor, { penalty }: { penalty: number }) {
  const { features, xHat } = autoEncode(p, x);
  const error = sub(x, xHat);
  const mse = scale(sumSquares(error), 1 / x.shape[0]);
  const l1 = meanL1(features);
  return { loss: add(mse, scale(l1, penalty)), mse, l1, error, features };
}

function start(hyper: Hyper, setting: Setting): Trainer {
  const { device, steps } = setting;
  const F = hyper.features;
  const plan = schedule("standard", steps, hyper);
  const parameters = startAutoEncoder("standard", F, setting);
  const adam = adamFor(parameters);
  const stepsSinceActive = device.keep(device.zeros([F], "u32"));

  /** Points features that were silent for half of `resampleSteps` batches at what the updated parameters reconstruct badly. */
  async function resample(x: Tensor, step: number): Promise<void> {
    const dead = await deadFeatures(stepsSinceActive, plan.resampleSteps!);
    if (dead.length === 0) return;
    const errors = eachRow(x, { places: F }, (rows) => normRows(sub(rows, autoEncode(parameters, rows).xHat)));
    await resampleDead(dead, errors, x, parameters, adam, rngOf(setting, "resample", step));
  }

  return makeTrainer(setting, {
    name: "standard",
    saved: savedAutoEncoder,
    config: { dict_class: "AutoEncoder", trainer_class: "StandardTrainer", ...settingConfig(setting, "StandardTrainer"), ...snakeKeys({ ...hyper, ...plan }) },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v, counters: { stepsSinceActive } },
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      const sparsity = sparsityScale(plan, step);
      silence.passed(stepsSinceActive, 1);
      const { value, gradients } = overRows(parameters, x, { places: F }, (p, rows) => {
        const { loss, mse, l1, error, features } = objective(p, rows, { penalty: hyper.l1Penalty * sparsity });
        silence.seen(stepsSinceActive, features);
        return { loss, mse_loss: mse, l2_loss: mean(normRows(error)), sparsity_loss: l1, l0: meanL0(features), moments: momentsOf(rows, error) };
      });
      constrainedAdam(adam, parameters, gradients, { lr, step });
      const { moments, ...parts } = value;
      const log = { ...parts, frac_variance_explained: fractionExplained(moments), dead_features: countSilent(stepsSinceActive, { steps, B: x.shape[0] }), lr, sparsity_scale: sparsity };
      return plan.resampleSteps !== null && step % plan.resampleSteps === 0 ? resample(x, step).then(() => log) : log;
    },
  });
}
