import { add, atLeast, scale, stopGradient, sub, trackFiredInto, trackThresholdInto, valueAndGradients, type SparseFeatures, type Tensor } from "@dictlearn/kernels";
import { type SavedClass } from "../formats/savedClass.js";
import { type Setting, type Trainer } from "../trainer.js";
import { adamFor, projectedAdam } from "./adam.js";
import { annealedK } from "./annealedK.js";
import { auxiliaryLoss } from "./auxiliaryLoss.js";
import { settingConfig, snakeKeys } from "./config.js";
import { countOf } from "./deadFeatures.js";
import { fractionExplained, momentsOf } from "./explained.js";
import { makeTrainer, type Parts } from "./makeTrainer.js";
import { learningRateScale, schedule } from "./schedules.js";
import { meanL0 } from "./sparsity.js";
import { startAtMedian, startTopKAutoEncoder, type TopKParameters } from "./topKAutoEncoder.js";
import { inSetting, type TopKHyper } from "./topKOptions.js";

/** What tells a trainer of the family from the others. @param batch f32[B,D]: x, and x less the decoder's bias */
export type Reconstruct = (p: TopKParameters, batch: { x: Tensor; centred: Tensor }, options: { k: number }) => Reconstruction;

export interface Reconstruction {
  features: SparseFeatures;
  /** f32[1], a mean over the rows */
  l2: Tensor;
  /** f32[B,D], x - x̂ */
  error: Tensor;
  /** u32[F]: 1 for those that count as alive */
  fired: Tensor;
  /** f32[N]: the smallest feature > 0 of each row, or of the batch */
  least: Tensor;
  /** What is logged besides. */
  log?: Parts;
}

/**
 * l2 + α times the auxiliary loss of dead features.
 * @param options.silent u32[F], tokens since each feature fired: goes on by those of the batch
 * @param options.anyDead false where it is known that no feature can be dead, true where the device will see
 */
export function topKObjective(
  reconstruct: Reconstruct,
  p: TopKParameters,
  x: Tensor,
  { k, silent, anyDead, auxkAlpha, deadFeatureThreshold }: { k: number; silent: Tensor; anyDead: boolean; auxkAlpha: number; deadFeatureThreshold: number },
) {
  const [[B, D], [F]] = [x.shape, p.encoder.shape];
  const centred = sub(x, p.decoderBias);
  const made = reconstruct(p, { x, centred }, { k });
  trackFiredInto(silent, made.fired, { n: B });
  if (!anyDead) return { ...made, loss: made.l2, aux: { auxk_loss: 0, pre_norm_auxk_loss: -1, dead_features: 0 } };
  const dead = atLeast(silent, { least: deadFeatureThreshold });
  if (auxkAlpha === 0) return { ...made, loss: made.l2, aux: { auxk_loss: 0, pre_norm_auxk_loss: -1, dead_features: countOf(dead) } };
  // half of the model's width, as Gao et al. 2024, §B.1
  const aux = auxiliaryLoss(p, centred, stopGradient(made.error), dead, { k: Math.min(F, Math.max(1, Math.floor(D / 2))) });
  return { ...made, loss: add(made.l2, scale(aux.loss, auxkAlpha)), aux: { auxk_loss: aux.loss, pre_norm_auxk_loss: aux.squares, dead_features: aux.count } };
}

/**
 * The family's trainer: the decoder's bias starts at the first batch's median; features that were silent for long learn from an
 * auxiliary loss; a running mean of the smallest features becomes the threshold for use after training.
 */
export function startTopKFamily(
  name: string,
  hyper: TopKHyper,
  setting: Setting,
  { saved, reconstruct, effectiveK, config, weights }: { saved: SavedClass<object>; reconstruct: Reconstruct; effectiveK(k: number): number; config: { trainer_class: string; wandbName: string } & Record<string, unknown>; weights?: object },
): Trainer {
  const { device, steps } = setting;
  const { features: F, k, auxkAlpha, deadFeatureThreshold, thresholdBeta } = hyper;
  const plan = schedule(name, steps, { ...hyper, sparsityWarmupSteps: null });
  const { thresholdStartStep, annealing } = inSetting(name, hyper, setting);
  const parameters = startTopKAutoEncoder(name, saved, F, setting);
  const adam = adamFor(parameters);
  const numTokensSinceFired = device.keep(device.zeros([F], "u32"));
  const threshold = device.keep(device.tensor(Float32Array.of(-1), [1])); // none yet
  const numbers = { k, tokens: 0 };
  const { wandbName, ...own } = config;

  return makeTrainer(setting, {
    name,
    saved,
    config: {
      dict_class: saved.name,
      ...settingConfig(setting, wandbName),
      ...snakeKeys({ features: F, k, lr: hyper.lr, auxkAlpha, warmupSteps: plan.warmupSteps, decayStart: plan.decayStart, thresholdBeta, thresholdStartStep }),
      ...own,
    },
    parameters,
    state: { "adam.m": adam.m, "adam.v": adam.v, counters: { numTokensSinceFired }, running: { threshold } },
    numbers,
    weights: async (of) => ({ ...of, ...weights, k: numbers.k, threshold: (await threshold.read())[0] }),
    update(x, step) {
      const lr = hyper.lr * learningRateScale(plan, step);
      const { k } = numbers;
      if (step === 0) startAtMedian(parameters.decoderBias, x);
      numbers.tokens += x.shape[0];
      const { value, gradients } = valueAndGradients(parameters, (p) => {
        const anyDead = numbers.tokens >= deadFeatureThreshold; // no counter has come further
        const { loss, l2, aux, error, features, least, log } = topKObjective(reconstruct, p, x, { k, silent: numTokensSinceFired, anyDead, auxkAlpha, deadFeatureThreshold });
        return { loss, l2_loss: l2, ...aux, ...log, l0: meanL0(features), moments: momentsOf(x, error), least };
      });
      const { moments, least, ...parts } = value;
      if (step > thresholdStartStep) trackThresholdInto(threshold, least, { decay: thresholdBeta });
      const norm = projectedAdam(adam, parameters, gradients, { lr, step });
      if (annealing) numbers.k = annealedK(annealing, step);
      return { ...parts, frac_variance_explained: fractionExplained(moments), grad_norm_before_clip: norm, effective_l0: effectiveK(k), k, threshold: scale(threshold, 1), lr };
    },
  });
}
