import { decodeSparse, encodeBatchTopK, firedFeatures, minPositiveOfBatch, scale, sub, sumSquares } from "@dictlearn/kernels";
import { savedBatchTopK } from "../dictionaries/batchTopK.js";
import { type TrainerSpec } from "../trainer.js";
import { withDefaults } from "../training/hyper.js";
import { startTopKFamily, type Reconstruct } from "../training/topKFamily.js";
import { expectTopK, topKDefaults, type TopKFamilyOptions, type TopKHyper } from "../training/topKOptions.js";

/** Names and defaults as dictionary_learning's BatchTopKTrainer has them; k is what a row has on average. */
export interface BatchTopKOptions extends TopKFamilyOptions {}

/**
 * As `topK`, but the k·B largest features of a batch of B rows are kept, few or many a row.
 * @throws DictionaryError USAGE `batchTopK: expected k from 1 to features = 4096, got 5000`
 * @see Bussmann et al. 2024, "BatchTopK Sparse Autoencoders"; dictionary_learning, trainers/batch_top_k.py
 */
export function batchTopK(options: BatchTopKOptions): TrainerSpec {
  const hyper = withDefaults<TopKHyper>("batchTopK", topKDefaults(options), options);
  expectTopK("batchTopK", hyper);
  return {
    name: "batchTopK",
    hyper: { ...hyper },
    start: (setting) =>
      startTopKFamily("batchTopK", hyper, setting, {
        saved: savedBatchTopK,
        reconstruct,
        effectiveK: () => hyper.k,
        config: { trainer_class: "BatchTopKTrainer", wandbName: "BatchTopKSAE", top_k_aux: Math.floor(setting.D / 2) },
      }),
  };
}

/** A feature is alive where a row has it > 0. */
export const reconstruct: Reconstruct = (p, { x, centred }, { k }) => {
  const features = encodeBatchTopK(centred, p.encoder, p.encoderBias, { k }); // [B,F]
  const error = sub(x, decodeSparse(features, p.decoder, p.decoderBias));
  return { features, l2: scale(sumSquares(error), 1 / x.shape[0]), error, fired: firedFeatures(features, { positive: true }), least: minPositiveOfBatch(features) };
};
