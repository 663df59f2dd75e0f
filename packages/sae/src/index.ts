export { type Dictionary } from "./dictionary.js";
export { DictionaryError } from "./error.js";
export { AliveFeatures, BatchSums, evaluateActivations, meanMetrics, type ActivationMetrics, type DictionaryMetrics } from "./evaluate.js";
export { readDictionaryLearning, type ReadOptions } from "./formats/dictionary-learning.js";
export { readWeights, type TensorFile } from "./formats/readWeights.js";
export { tensorsOf, type SavedClass, type SavedTensor, type Variants } from "./formats/savedClass.js";
export { stateDict, writeDictionaryLearning, type StateTensor, type WriteOptions } from "./formats/writeDictionaryLearning.js";
export { Columns, rowsOf, type Matrix } from "./matrix.js";

export { autoEncoder, savedAutoEncoder, type AutoEncoderWeights } from "./dictionaries/autoEncoder.js";
export { autoEncoderNew, savedAutoEncoderNew, type AutoEncoderNewWeights } from "./dictionaries/autoEncoderNew.js";
export { autoEncoderTopK, savedAutoEncoderTopK, type TopKWeights } from "./dictionaries/autoEncoderTopK.js";
export { batchTopKSae, savedBatchTopK } from "./dictionaries/batchTopK.js";
export { gatedAutoEncoder, savedGatedAutoEncoder, type GatedWeights } from "./dictionaries/gatedAutoEncoder.js";
export { jumpReluAutoEncoder, savedJumpReluAutoEncoder, type JumpReluWeights } from "./dictionaries/jumpReluAutoEncoder.js";
export { matryoshkaBatchTopK, savedMatryoshkaBatchTopK, type MatryoshkaWeights } from "./dictionaries/matryoshkaBatchTopK.js";

export { readLog, type AnyTensor, type NamedTensor, type Setting, type StepLog, type Trainer, type TrainerSpec } from "./trainer.js";
export { configName, optionName } from "./training/config.js";
export { standard, type StandardOptions } from "./trainers/standard.js";
export { april, type AprilOptions } from "./trainers/april.js";
export { gated, type GatedOptions } from "./trainers/gated.js";
export { pAnneal, type PAnnealOptions } from "./trainers/pAnneal.js";
export { gatedAnneal, type GatedAnnealOptions } from "./trainers/gatedAnneal.js";
export { topK, type TopKOptions } from "./trainers/topK.js";
export { batchTopK, type BatchTopKOptions } from "./trainers/batchTopK.js";
export { matryoshka, type MatryoshkaOptions } from "./trainers/matryoshka.js";
export { jumpRelu, type JumpReluOptions } from "./trainers/jumpRelu.js";
