import { decodeSparse, encodeTopK, firedFeatures, minPositive, scale, sub, sumSquares } from "@dictlearn/kernels";
import { savedAutoEncoderTopK } from "../dictionaries/autoEncoderTopK.js";
import { type TrainerSpec } from "../trainer.js";
import { withDefaults } from "../training/hyper.js";
import { startTopKFamily, type Reconstruct } from "../training/topKFamily.js";
import { expectTopK, topKDefaults, type TopKFamilyOptions, type TopKHyper } from "../training/topKOptions.js";

/** Names and defaults as dictionary_learning's TopKTrainer has them. */
export interface TopKOptions extends TopKFamilyOptions {}

/**
 * The sparse autoencoder that keeps the k largest features of each row: L = ⟨|x - x̂|²⟩ + the auxiliary loss of dead features.
 * @throws DictionaryError USAGE `topK: expected k from 1 to features = 4096, got 5000`
 * @see Gao et al. 2024, "Scaling and evaluating sparse autoencoders"; dictionary_learning, trainers/top_k.py
 */
export function topK(options: TopKOptions): TrainerSpec {
  const hyper = withDefaults<TopKHyper>("topK", topKDefaults(options), options);
  expectTopK("topK", hyper);
  return {
    name: "topK",
    hyper: { ...hyper },
    start: (setting) =>
      startTopKFamily("topK", hyper, setting, {
        saved: savedAutoEncoderTopK,
        reconstruct,
        effectiveK: (k) => k,
        config: { trainer_class: "TopKTrainer", wandbName: "AutoEncoderTopK" },
      }),
  };
}

/** A feature is alive where it is among the k largest, though it be 0. */
export const reconstruct: Reconstruct = (p, { x, centred }, { k }) => {
  const features = encodeTopK(centred, p.encoder, p.encoderBias, { k }); // [B,F]
  const error = sub(x, decodeSparse(features, p.decoder, p.decoderBias));
  return { features, l2: scale(sumSquares(error), 1 / x.shape[0]), error, fired: firedFeatures(features, { positive: false }), least: minPositive(features) };
};
