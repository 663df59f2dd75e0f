import { defineProgram } from "@dictlearn/command";
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
  examples: ["dictlearn train --model-name demo --dataset-name demo --trainer topk:k=32 --num-tokens 500000", "dictlearn sparse-rep sentences.csv --top 5"],
});
