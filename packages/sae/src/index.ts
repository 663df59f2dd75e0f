export { type Dictionary } from "./dictionary.js";
export { DictionaryError } from "./error.js";
export { AliveFeatures, BatchSums, evaluateActivations, meanMetrics, type ActivationMetrics, type DictionaryMetrics } from "./evaluate.js";
export { readDictionaryLearning, type ReadOptions, type TensorFile } from "./formats/dictionary-learning.js";

export { autoEncoder, type AutoEncoderWeights } from "./dictionaries/autoEncoder.js";
export { autoEncoderNew, type AutoEncoderNewWeights } from "./dictionaries/autoEncoderNew.js";
