import { add, clipNormInto, decodeSparse, mean, normRows, scale, sub, sumSquares, type Tensor } from "@dictlearn/kernels";
import { savedAutoEncoder } from "../dictionaries/autoEncoder.js";
import { type Setting, type Trainer, type TrainerSpec } from "../trainer.js";
import { adamFor, adamStep } from "../training/adam.js";
import { autoEncode, startAutoEncoder, type AutoEncoderParameters } from "../training/autoEncoder.js";
import { settingConfig, snakeKeys, without } from "../training/config.js";
import { countSilent } from "../training/deadFeatures.js";
import { fractionExplained, momentsOf } from "../training/explained.js";
import { expectNonNegative, expectPositive, withDefaults } from "../training/hyper.js";
import { makeTrainer } from "../training/makeTrainer.js";
import { overRows } from "../training/overRows.js";
import { learningRateScale, schedule, sparsityScale, type ScheduleOptions } from "../training/schedules.js";
import { meanL0, silence } from "../training/sparsity.js";

/** Names and defaults as dictionary_learning's StandardTrainerAprilUpdate has them. */
export interface AprilOptions extends ScheduleOptions {
  /** F */
  features: number;
  /** Learning rate. Default 0.001 */
  lr?: number;
  /** λ. Default 0.1 */
  l1Penalty?: number;
}

/**
 * The L1 penalty with decoder rows of any length, weighed by their lengths: L = ⟨|x - x̂|²⟩ + λ⟨Σ fⱼ|dⱼ|⟩, gradients clipped
 * to norm 1.
 * @throws DictionaryError USAGE `april: expected l1Penalty to be a number >= 0, got -1`
 * @see Conerly et al. 2024, "Update on how we train SAEs"; dictionary_learning, trainers/standard.py
 */
export function april(options: AprilOptions): TrainerSpec {
  const hyper = withDefaults<Hyper>("april", defaults, options);
  expectPositive("april", "lr", hyper.lr);
  expectNonNegative("april", "l1Penalty", hyper.l1Penalty);
  return { name: "april", hyper: { ...hyper }, start: (setting) => start(hyper, setting) };
}

const defaults = { lr: 1e-3, l1Penalty: 0.1, warmupSteps: undefined, sparsityWarmupSteps: undefined, decayStart: null };
type Hyper = AprilOptions & { lr: number; l1Penalty: number };

/** @param x f32[B,D] @param penalty λ times its warm-up */
export function objective(p: AutoEncoderParameters, x: Tensor, { penalty }: { penalty: number }) {
  const { features, xHat } = autoEncode(p, x);
  const error = sub(x, xHat);
  const mse = scale(sumSquares(error), 1 / x.shape[0]);
  const lengths = normRows(p.decoder).reshape([p.decoder.shape[0], 1]); // f32[F,1]: as a decoder of width 1, it adds up fⱼ|dⱼ|
  const weighted = mean(decodeSparse(features, lengths));
  return { loss: add(mse, scale(weighted, penalty)), mse, weighted, error, features };
}

function start(hyper: Hyper, setting: Setting): Trainer {
  const { device, steps } = setting;
  const F = hyper.features;
  const plan = schedule("april", steps, hyper);
  const parameters = startAutoEncoder("april", F, setting);
  const adam = adamFor(parameters);
  const stepsSinceActive = device.keep(device.zeros([F], "u32"));

  return makeTrainer(setting, {
    name: "april",
    saved: savedAutoEncoder,
    config: { dict_class: "AutoEncoder", trainer_class: "StandardTrainerAprilUpdate", ...settingConfig(setting, "StandardTrainerAprilUpdate"), ...without(snakeKeys({ ...hyper, ...plan }), "resample_steps") },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v, counters: { stepsSinceActive } },
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      const sparsity = sparsityScale(plan, step);
      silence.passed(stepsSinceActive, 1);
      const { value, gradients } = overRows(parameters, x, { places: F }, (p, rows) => {
        const { loss, mse, weighted, error, features } = objective(p, rows, { penalty: hyper.l1Penalty * sparsity });
        silence.seen(stepsSinceActive, features);
        return { loss, mse_loss: mse, l2_loss: mean(normRows(error)), sparsity_loss: weighted, l0: meanL0(features), moments: momentsOf(rows, error) };
      });
      const norm = clipNormInto(Object.values(gradients), { max: 1 });
      adamStep(adam, parameters, gradients, { lr, step });
      const { moments, ...parts } = value;
      return { ...parts, frac_variance_explained: fractionExplained(moments), dead_features: countSilent(stepsSinceActive, { steps, B: x.shape[0] }), grad_norm_before_clip: norm, lr, sparsity_scale: sparsity };
    },
  });
}
