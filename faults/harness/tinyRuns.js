const demo = ["--model-name", "demo", "--dataset-name", "demo", "--device", "cpu", "--engine", "wasm", "--threads", "1"];
const tiny = ({ steps, saveEvery }) => [...demo, "--rows", "packed", "--layer", "0", "--context-length", "16", "--sae-batch-size", "64", "--num-tokens", String(64 * steps), "--llm-batch-size", "16", "--buffer-tokens", "256", "--features", "24", "--log-every", "1", "--save-every", String(saveEvery), "--save-dir", "out"];
const evaluated = ["--eval-tokens", "40"];

/** Runs of `train` that take a moment. Each writes below the folder where it is started. */
export const tinyRuns = {
  /** Activations straight from the model. */
  streamed: (shape) => [...tiny(shape), "--trainer", "topk:k=4", "--log-to", "csv", ...evaluated],
  /** Two dictionaries, normalised. */
  several: (shape) => [...tiny(shape), "--trainer", "topk:k=4", "--trainer", "standard", "--normalize", "--log-to", "tensorboard", ...evaluated],
  /** Activations are written to a folder, and read from there. */
  kept: (shape) => [...tiny(shape), "--trainer", "topk:k=4", "--activations", "kept"],
};
