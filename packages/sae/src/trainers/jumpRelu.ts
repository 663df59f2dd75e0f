import { add, atLeast, decodeSparse, encodeJumpRelu, jumpReluL0, mul, scale, shift, square, stopGradient, sub, sumSquares, type Tensor } from "@dictlearn/kernels";
import { savedJumpReluAutoEncoder } from "../dictionaries/jumpReluAutoEncoder.js";
import { type Setting, type Trainer, type TrainerSpec } from "../trainer.js";
import { adamFor, projectedAdam } from "../training/adam.js";
import { settingConfig, snakeKeys } from "../training/config.js";
import { countOf } from "../training/deadFeatures.js";
import { fractionExplained, momentsOf } from "../training/explained.js";
import { expectNonNegative, expectPositive, withDefaults } from "../training/hyper.js";
import { randomDirections } from "../training/initial.js";
import { makeTrainer } from "../training/makeTrainer.js";
import { overRows } from "../training/overRows.js";
import { upload, type Parameters } from "../training/parameters.js";
import { rngOf } from "../training/random.js";
import { learningRateScale, schedule, sparsityScale, type ScheduleOptions } from "../training/schedules.js";
import { meanL0, silence } from "../training/sparsity.js";
import { expectDeadFeatureThreshold } from "../training/topKOptions.js";

/** Names and defaults as dictionary_learning's JumpReluTrainer has them. */
export interface JumpReluOptions extends ScheduleOptions {
  /** F */
  features: number;
  /** Learning rate. Default 0.00007 */
  lr?: number;
  /** ε: thresholds learn from pre-activations less than half of it away. Default 0.001 */
  bandwidth?: number;
  /** λ. Default 1 */
  sparsityPenalty?: number;
  /** How many features a row is to have. Default 20 */
  targetL0?: number;
  /** A feature is logged as dead once more than this many tokens have passed without it. Default 10,000,000 */
  deadFeatureThreshold?: number;
}

/**
 * Features are on where their pre-activation is above a threshold that each of them learns:
 * L = ⟨|x - x̂|²⟩ + λ(L0 / target - 1)², L0 = ⟨how many are on⟩.
 * @throws DictionaryError USAGE `jumpRelu: expected bandwidth to be a number > 0, got 0`
 * @see Rajamanoharan et al. 2024, "Jumping Ahead: Improving Reconstruction Fidelity with JumpReLU Sparse Autoencoders";
 *   dictionary_learning, trainers/jumprelu.py
 */
export function jumpRelu(options: JumpReluOptions): TrainerSpec {
  const hyper = withDefaults<Hyper>("jumpRelu", defaults, options);
  for (const name of ["lr", "bandwidth", "targetL0"] as const) expectPositive("jumpRelu", name, hyper[name]);
  expectNonNegative("jumpRelu", "sparsityPenalty", hyper.sparsityPenalty);
  expectDeadFeatureThreshold("jumpRelu", hyper.deadFeatureThreshold);
  return { name: "jumpRelu", hyper: { ...hyper }, start: (setting) => start(hyper, setting) };
}

const defaults = {
  lr: 7e-5,
  bandwidth: 0.001,
  sparsityPenalty: 1,
  targetL0: 20,
  warmupSteps: undefined,
  sparsityWarmupSteps: undefined,
  decayStart: null,
  deadFeatureThreshold: 10_000_000,
};
type Hyper = JumpReluOptions & Required<Pick<JumpReluOptions, "lr" | "bandwidth" | "sparsityPenalty" | "targetL0" | "deadFeatureThreshold">>;
export type JumpReluParameters = Parameters<"encoder" | "encoderBias" | "decoder" | "decoderBias" | "threshold">;

/**
 * The two means of the loss. The decoder's bias is not taken from x here.
 * @param x f32[B,D]
 * @param counted the threshold again, where its slope in L0 is wanted apart
 */
export function objective(p: JumpReluParameters, x: Tensor, { bandwidth, counted = p.threshold }: { bandwidth: number; counted?: Tensor }) {
  const jump = encodeJumpRelu(x, p.encoder, p.encoderBias, p.threshold, { bandwidth }); // [B,F]
  const error = sub(x, decodeSparse(jump.features, p.decoder, p.decoderBias));
  return { mse: scale(sumSquares(error), 1 / x.shape[0]), aboveThreshold: jumpReluL0(jump, counted, { bandwidth }), error, features: jump.features };
}

/** λ(L0 / target - 1)² @param l0 f32[1] @param strength λ times its warm-up */
export const penalty = (l0: Tensor, { strength, targetL0 }: { strength: number; targetL0: number }): Tensor => scale(square(shift(scale(l0, 1 / targetL0), -1)), strength);
/** Its slope in L0. */
const slope = (l0: Tensor, { strength, targetL0 }: { strength: number; targetL0: number }): Tensor => scale(shift(scale(l0, 1 / targetL0), -1), (2 * strength) / targetL0);

/** As dictionary_learning starts it: decoder rows of norm 1, the encoder the same, biases 0, thresholds 0.001. */
function startJumpRelu(F: number, setting: Setting): JumpReluParameters {
  const { D } = setting;
  const random = () => {
    const decoder = randomDirections(F, D, 1, rngOf(setting, "init"));
    return { decoder, encoder: decoder, encoderBias: new Float32Array(F), decoderBias: new Float32Array(D), threshold: new Float32Array(F).fill(0.001) };
  };
  return upload("jumpRelu", setting, savedJumpReluAutoEncoder, ["encoder", "encoderBias", "decoder", "decoderBias", "threshold"], F, random);
}

function start(hyper: Hyper, setting: Setting): Trainer {
  const { device, steps } = setting;
  const { features: F, bandwidth, sparsityPenalty, targetL0, deadFeatureThreshold } = hyper;
  const plan = schedule("jumpRelu", steps, hyper);
  const parameters = startJumpRelu(F, setting);
  const adam = adamFor(parameters);
  const numTokensSinceFired = device.keep(device.zeros([F], "u32"));

  return makeTrainer(setting, {
    name: "jumpRelu",
    saved: savedJumpReluAutoEncoder,
    config: {
      dict_class: "JumpReluAutoEncoder",
      trainer_class: "JumpReluTrainer",
      ...settingConfig(setting, "JumpRelu"),
      ...snakeKeys({ features: F, lr: hyper.lr, bandwidth, sparsityPenalty, targetL0, sparsityWarmupSteps: plan.sparsityWarmupSteps }),
    },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v, counters: { numTokensSinceFired } },
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      const sparsity = sparsityScale(plan, step);
      silence.passed(numTokensSinceFired, x.shape[0]);
      // the penalty is no mean over rows, but L0 is: its slope in the thresholds is kept apart until L0 is known
      const { value, gradients } = overRows({ ...parameters, counted: stopGradient(parameters.threshold) }, x, { places: 2 * F }, (p, rows) => {
        const { mse, aboveThreshold, error, features } = objective(p, rows, { bandwidth, counted: p.counted });
        silence.seen(numTokensSinceFired, features);
        return { loss: add(mse, aboveThreshold), mse, aboveThreshold, l0: meanL0(features), moments: momentsOf(rows, error) };
      });
      const { mse, aboveThreshold, l0, moments } = value;
      const now = { strength: sparsityPenalty * sparsity, targetL0 };
      const { counted, ...rest } = gradients;
      const threshold = add(rest.threshold, mul(counted, slope(aboveThreshold, now)));
      const norm = projectedAdam(adam, parameters, { ...rest, threshold }, { lr, step, beta1: 0 });
      const sparsityLoss = penalty(aboveThreshold, now);
      return {
        loss: add(mse, sparsityLoss),
        l2_loss: mse,
        sparsity_loss: sparsityLoss,
        l0,
        frac_variance_explained: fractionExplained(moments),
        dead_features: countOf(atLeast(numTokensSinceFired, { least: deadFeatureThreshold + 1 })),
        grad_norm_before_clip: norm,
        lr,
        sparsity_scale: sparsity,
      };
    },
  });
}
