import { createRequire } from "node:module";
import { defineProgram } from "@dictlearn/command";

export const program = defineProgram({
  name: "dictlearn",
  version: createRequire(import.meta.url)("../package.json").version as string,
  summary: "Dictionary learning for transformer activations: train sparse dictionaries on a language model's layers, and read texts as their features",
  commands: {
    train: { summary: "train dictionaries on a layer's activations", load: async () => (await import("@dictlearn/train/command")).command },
    "sparse-rep": { summary: "sentences as sparse features", load: async () => (await import("@dictlearn/sparse-rep/command")).command },
    features: { summary: "a dictionary's features over a corpus, as a site to browse", load: async () => (await import("./commands/features.js")).command },
  },
  examples: ["dictlearn train --model-name demo --dataset-name demo --trainer topk:k=32 --num-tokens 500000", "dictlearn sparse-rep sentences.csv --top 5"],
});
