// pnpm start: the whole story on the bundled demo. Trains a TopK dictionary on the demo model's activations, evaluates it
// on text that it has not seen, and reads the sample sentences in its features. About two minutes on 2 cores; no network.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const results = "demo_results"; // of the last start
const site = "layers.3.resid_post";
const trainer = `${results}/resid_post_layer_3/trainer_0`;

/** Runs an app where its reader stands; ends as it ends if that is not well. */
function run(app, ...args) {
  process.stderr.write(`\n$ ${app} ${args.join(" ")}\n`);
  const main = fileURLToPath(new URL(`../apps/${app}/dist/main.cjs`, import.meta.url));
  const { status, signal } = spawnSync(process.execPath, [main, ...args], { stdio: "inherit" });
  if (status !== 0) process.exit(status ?? (signal === "SIGINT" ? 130 : 1));
}

process.chdir(fileURLToPath(new URL("..", import.meta.url)));
delete process.env.INIT_CWD; // paths are relative to the repository
process.on("SIGINT", () => {}); // the app that runs gets it too, saves, and ends this
rmSync(results, { recursive: true, force: true });
run("train", "--device", "auto", "--model-name", "demo", "--dataset-name", "demo", "--site", site, "--rows", "packed", "--trainer", "topk:k=32", "--num-tokens", "700000", "--sae-batch-size", "2048", "--eval-tokens", "10000", "--save-dir", results);
run("sparse-rep", "--model", "demo", "--site", site, "--dictionary", trainer, "--pooling", "last", "--top", "3", "--report", `${results}/sentences.html`);
process.stderr.write(`
The dictionary: ${trainer}/ae.pt with its config.json, as dictionary_learning saves them
To look at, in a browser: ${results}/report.html (how it learned), ${results}/sentences.html (sentences in its features)
How it learned: ${trainer}/metrics.jsonl   What it explains of unseen text: ${trainer}/eval_results.json
Checkpoints: ${trainer}/checkpoints   To go on with: ${results}/state
`);
