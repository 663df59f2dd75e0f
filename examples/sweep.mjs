// How many features should a token have? Five dictionaries learn from one pass of the model; what does each keep of it?
//   node examples/sweep.mjs [TOKENS] [TEXTS]
import { openDevice } from "@dictlearn/kernels/node";
import { topK } from "@dictlearn/sae";
import { evaluate, harvest, openModel, openTexts, train } from "dictlearn";

const [tokens, texts] = [process.argv[2] ?? 300_000, process.argv[3] ?? 32].map(Number); // to learn from, to measure on
const site = "layers.3.mlp_out";
const device = await openDevice();
const model = await openModel("demo", { device });

// Every spec trains on the same batches, so the model runs once for all.
const activations = harvest(model, openTexts("demo", { shuffle: { seed: 0, window: 32 } }), { site, rows: "packed" });
const specs = [4, 8, 16, 32, 64].map((k) => topK({ features: 1536, k, lr: 3e-3 }));
const training = train(activations, specs, { tokens, batchSize: 1024, logEvery: 50 });
for await (const { tokens, logs } of training)
  if (logs) console.error(`${tokens} tokens, variance explained: ${logs.map((log) => log.frac_variance_explained.toFixed(3)).join(" ")}`);

console.log("  k     L0    FVE  loss recovered");
for (const { spec, trainer } of training.trainees) {
  const dictionary = trainer.saved.open(device, await trainer.weights());
  const speeches = openTexts("demo", { shuffle: { seed: 1, window: 32 } }); // the beginnings of the same ones for each
  const { l0, frac_variance_explained, frac_recovered } = await evaluate(model, dictionary, speeches, { site, batchSize: texts });
  const percent = 100 * frac_recovered;
  console.log(`${String(spec.hyper.k).padStart(3)} ${l0.toFixed(2).padStart(6)} ${frac_variance_explained.toFixed(3).padStart(6)} ${percent.toFixed(1).padStart(6)}% ${"█".repeat(Math.max(0, Math.round(percent / 2)))}`);
  dictionary.dispose();
}

training.dispose();
await model.dispose();
device.dispose();
