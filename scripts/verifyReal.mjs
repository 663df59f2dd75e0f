// pnpm verify:real: for a machine that reaches the Hugging Face Hub. Runs sparse-rep with its defaults, then evaluates the
// default dictionary as dictionary_learning does and prints what its README says beside it.
//
//   node scripts/verifyReal.mjs [--batches 10] [--batch-size 128] [--device auto]
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { downloadProgress, progress } from "../packages/command/dist/index.js";
import { evaluate, openDictionary, openModel, openTexts } from "../packages/dictlearn/dist/index.js";
import { hubEnvironment, openHub } from "../packages/hub/dist/index.js";
import { openDevice } from "../packages/kernels/dist/node.js";

const { values: options } = parseArgs({ options: { batches: { type: "string", default: "10" }, "batch-size": { type: "string", default: "128" }, device: { type: "string", default: "auto" } } });
const model = "EleutherAI/pythia-70m-deduped";
const dictionary = "hf:saprmarks/pythia-70m-deduped-saes/dictionaries_pythia-70m-deduped_10.zip!/mlp_out_layer3/10_32768/ae.pt";
const data = "monology/pile-uncopyrighted";
const site = "layers.3.mlp_out";

/** Of 10_32768 for the MLP of layer 3, in the README of dictionary_learning; its texts were of the Pile. */
const published = { frac_variance_explained: 0.88, l1_loss: 20, l0: 160, frac_alive: 0.25, "loss_reconstructed - loss_original": 0.12, frac_recovered: 0.94 };

const app = fileURLToPath(new URL("../apps/sparse-rep/dist/main.cjs", import.meta.url));
const sentences = fileURLToPath(new URL("../packages/demo/data/sentences.csv", import.meta.url));
const { status, stderr } = spawnSync(process.execPath, [app, sentences, "--top", "3", "--device", options.device], { stdio: ["ignore", "inherit", "pipe"], encoding: "utf8" });
process.stderr.write(stderr);
if (status !== 0) process.exit(status ?? 1);
if (stderr.includes("bundled demo")) {
  console.error("verify:real: expected a machine that reaches the Hugging Face Hub, got none");
  process.exit(1);
}

try {
  const arriving = downloadProgress();
  const hub = openHub({ ...hubEnvironment(process.env), onProgress: arriving.onProgress, onNotice: console.error });
  const device = await openDevice({ backend: options.device });
  const [opened, features] = await Promise.all([openModel(model, { device, hub }), openDictionary(dictionary, { device, hub })]);
  arriving.stop();
  const [batches, batchSize] = [Number(options.batches), Number(options["batch-size"])];
  const bar = progress({ label: "evaluate", unit: "texts", total: batches * batchSize });
  const texts = counted(openTexts(data, { hub: openHub({ ...hubEnvironment(process.env), onNotice: console.error }) }), (n) => bar.update(n));
  const { feature_density: _, ...metrics } = await evaluate(opened, features, texts, { site, contextLength: 128, batches, batchSize });
  bar.stop();

  const ours = { ...metrics, "loss_reconstructed - loss_original": metrics.loss_reconstructed - metrics.loss_original };
  console.log(`\n${dictionary}\nat ${site} of ${model}, ${batches} x ${batchSize} texts of ${data}, 128 tokens at most; on ${device.label}\n`);
  console.log(`${"".padEnd(36)}${"here".padStart(12)}${"published".padStart(12)}`);
  for (const [name, value] of Object.entries(ours)) console.log(`${name.padEnd(36)}${value.toPrecision(4).padStart(12)}${String(published[name] ?? "").padStart(12)}`);
  features.dispose();
  await opened.dispose();
  process.exit(0);
} catch (error) {
  if (error.code === undefined) throw error;
  console.error([error.message, error.remedy].filter(Boolean).join(" — "));
  process.exit(1);
}

async function* counted(texts, tell) {
  let n = 0;
  for await (const text of texts) {
    yield text;
    tell(++n);
  }
}
