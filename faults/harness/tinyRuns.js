const demo = ["--model-name", "demo", "--dataset-name", "demo", "--device", "cpu", "--engine", "wasm", "--threads", "1"];
const tiny = [...demo, "--rows", "packed", "--layer", "0", "--context-length", "16", "--sae-batch-size", "64", "--llm-batch-size", "16", "--buffer-tokens", "256", "--log-every", "1", "--save-dir", "out"];

/** Runs of `train` that take a moment. Each writes below the folder where it is started. */
export const tinyRuns = {
  /** Activations straight from the model; two trainers. */
  streamed: ({ steps, saveEvery }) => [...tiny, "--num-tokens", String(64 * steps), "--save-every", String(saveEvery), "--trainer", "topk:k=4", "--trainer", "standard", "--features", "24", "--normalize", "--eval-tokens", "40"],
  /** Activations are written to a folder, and read from there. */
  kept: ({ steps, saveEvery }) => [...tiny, "--num-tokens", String(64 * steps), "--save-every", String(saveEvery), "--trainer", "topk:k=4", "--features", "24", "--activations", "kept"],
};
