import { defineProgram } from "@dictlearn/command";
import { hubVariables } from "@dictlearn/hub";
import { version } from "./begin.js";

export const program = defineProgram({
  name: "dictlearn",
  version,
  summary: "Dictionary learning for transformer activations: train sparse dictionaries on a language model's layers, and read texts as their features",
  commands: {
    train: { summary: "train dictionaries on a layer's activations", load: async () => (await import("@dictlearn/train/command")).command },
    "sparse-rep": { summary: "sentences as sparse features", load: async () => (await import("@dictlearn/sparse-rep/command")).command },
    evaluate: { summary: "how well dictionaries explain a model, several side by side", load: async () => (await import("./commands/evaluate.js")).command },
    convert: { summary: "a dictionary for dictionary_learning, SAELens or sparsify", load: async () => (await import("./commands/convert.js")).command },
  },
  examples: [
    "dictlearn train --trainer topk:k=32 --num-tokens 1000000        # Pythia-70m on the Pile, or the bundled demo without a network",
    "dictlearn evaluate --dictionary sae_results/resid_post_layer_3/trainer_0",
    "dictlearn sparse-rep sentences.csv --site layers.3.resid_post --dictionary sae_results/resid_post_layer_3/trainer_0 --top 5",
    "dictlearn convert sae_results/resid_post_layer_3/trainer_0 for-saelens --to saelens",
  ],
  environment: hubVariables,
});
