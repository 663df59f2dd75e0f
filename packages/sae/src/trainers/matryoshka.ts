import { add, copyRowsInto, decodeGroups, encodeBatchTopK, firedFeatures, maxRows, minPositiveOfBatch, scale, stopGradient, sub, sumSquares, type Tensor } from "@dictlearn/kernels";
import { savedMatryoshkaBatchTopK } from "../dictionaries/matryoshkaBatchTopK.js";
import { type TrainerSpec } from "../trainer.js";
import { snakeKeys } from "../training/config.js";
import { expectHyper, withDefaults } from "../training/hyper.js";
import { startTopKFamily, type Reconstruct } from "../training/topKFamily.js";
import { expectTopK, topKDefaults, type TopKFamilyOptions, type TopKHyper } from "../training/topKOptions.js";

/** Names and defaults as dictionary_learning's MatryoshkaBatchTopKTrainer has them; k is what a row has on average. */
export interface MatryoshkaOptions extends TopKFamilyOptions {
  /** Which part of the features each group has, 1 in all; the first features are the first group's, the last has what is left. */
  groupFractions: readonly number[];
  /** How much the reconstruction by each group and those before it counts. Default 1 / groups */
  groupWeights?: readonly number[];
}

/**
 * As `batchTopK`, but the features of the first groups alone are to reconstruct x too: L = the mean over the groups g of
 * w_g ⟨|x - x̂_g|²⟩, with x̂_g from the features of groups 1 to g, + the auxiliary loss of dead features.
 * @throws DictionaryError USAGE `matryoshka: expected groupFractions > 0 that add up to 1, got [0.5,0.6]`
 * @see Bussmann et al. 2025, "Learning Multi-Level Features with Matryoshka Sparse Autoencoders"; dictionary_learning,
 *   trainers/matryoshka_batch_top_k.py
 */
export function matryoshka(options: MatryoshkaOptions): TrainerSpec {
  const { groupFractions } = options;
  const list = (value: unknown): value is readonly number[] => Array.isArray(value) && value.length > 0;
  expectHyper("matryoshka", list(groupFractions) && groupFractions.every((part) => part > 0) && Math.abs(sumOf(groupFractions) - 1) <= 1e-9, "groupFractions > 0 that add up to 1", groupFractions);
  const hyper = withDefaults<Hyper>("matryoshka", { ...topKDefaults(options), groupFractions, groupWeights: groupFractions.map(() => 1 / groupFractions.length) }, options);
  expectTopK("matryoshka", hyper);
  const { features, groupWeights } = hyper;
  const fits = list(groupWeights) && groupWeights.length === groupFractions.length && groupWeights.every((weight) => Number.isFinite(weight) && weight >= 0) && sumOf(groupWeights) > 0;
  expectHyper("matryoshka", fits, `${groupFractions.length} groupWeights >= 0, not all 0`, groupWeights);
  const first = groupFractions.slice(0, -1).map((part) => Math.trunc(part * features));
  const groupSizes = [...first, features - sumOf(first)];
  expectHyper("matryoshka", groupSizes.every((size) => size > 0), `at least a feature a group of groupFractions, ${features} in all`, groupSizes);
  return {
    name: "matryoshka",
    hyper: { ...hyper },
    start: (setting) =>
      startTopKFamily("matryoshka", hyper, setting, {
        saved: savedMatryoshkaBatchTopK,
        reconstruct: reconstruct({ groupSizes, groupWeights }),
        effectiveK: () => hyper.k,
        config: { trainer_class: "MatryoshkaBatchTopKTrainer", wandbName: "BatchTopKSAE", top_k_aux: Math.floor(setting.D / 2), ...snakeKeys({ groupFractions, groupWeights, groupSizes }) },
        weights: { groupSizes },
      }),
  };
}

type Hyper = TopKHyper & { groupFractions: readonly number[]; groupWeights: readonly number[] };
const sumOf = (numbers: readonly number[]): number => numbers.reduce((sum, n) => sum + n, 0);

/** A feature is alive where a row has it > 0. What dead features learn from is what all groups together leave over. */
export const reconstruct =
  ({ groupSizes, groupWeights }: { groupSizes: readonly number[]; groupWeights: readonly number[] }): Reconstruct =>
  (p, { x, centred }, { k }) => {
    const features = encodeBatchTopK(centred, p.encoder, p.encoderBias, { k }); // [B,F]
    const errors = decodeGroups(features, p.decoder, p.decoderBias, { groups: groupSizes }).map((xHat) => sub(x, xHat)); // f32[B,D] a group
    const losses = errors.map((error, g) => scale(sumSquares(error), groupWeights[g] / x.shape[0]));
    const l2 = scale(losses.reduce(add), 1 / losses.length);
    const largest = (sign: number) => scale(maxRows(inARow(losses.map((loss) => scale(stopGradient(loss), sign)))), sign);
    const log = { min_l2_loss: largest(-1), max_l2_loss: largest(1) };
    return { features, l2, error: errors.at(-1)!, fired: firedFeatures(features, { positive: true }), least: minPositiveOfBatch(features), log };
  };

/** @param numbers f32[1] each @returns f32[1,n] */
function inARow(numbers: readonly Tensor[]): Tensor {
  const row = numbers[0].device.empty("f32", [numbers.length, 1]);
  numbers.forEach((number, at) => copyRowsInto(row, number.reshape([1, 1]), { at }));
  return row.reshape([1, numbers.length]);
}
