export { type SentenceReport } from "@dictlearn/report";
export { type Dictionary } from "@dictlearn/sae";
export { analyse, type AnalyseOptions } from "./analyse.js";
export { DictlearnError } from "./error.js";
export { openDictionary } from "./openDictionary.js";
export { openModel, type Model } from "./openModel.js";
export { openTokenizer, type Tokenizer } from "./openTokenizer.js";
export { poolings, type Pooling } from "./pooling.js";
