// Tokens a second from the demo's texts to a dictionary: tokenizer, model, shuffling buffer and TopK trainer, two threads.
import { demo } from "@dictlearn/demo";
import { openDevice } from "@dictlearn/kernels/node";
import { topK } from "@dictlearn/sae";
import { harvest, openModel, openTexts, train } from "dictlearn";
import { fileURLToPath } from "node:url";
import { summary } from "./train.summary.js";

const [site, layer, D, F, k, B, steps, context, threads] = ["layers.3.mlp_out", 3, 192, 1536, 32, 2048, 60, 128, 2];
const capacity = 20 * B;

export async function whole(peer, { rounds }) {
  const contenders = {
    dictlearn: ours,
    Python: async () => {
      const request = { model: fileURLToPath(demo.model), texts: fileURLToPath(demo.texts), trainer: "TopKTrainer", arguments: { steps, activation_dim: D, dict_size: F, k, warmup_steps: 6 } };
      return (await peer.ask("whole", { ...request, batch: B, capacity, threads, layer, context })).seconds;
    },
  };
  const rate = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = -1; round < rounds; round++)
    for (const [name, run] of Object.entries(contenders)) {
      const seconds = await run();
      if (round >= 0) rate[name].push((steps * B) / seconds); // the first round warms up
    }
  const result = { site, F, k, batch: B, tokens: steps * B, threads, rounds, tokensPerSecond: Object.fromEntries(Object.entries(rate).map(([name, list]) => [name, summary(list)])), ratio: summary(rate.dictlearn.map((value, round) => value / rate.Python[round])) };
  console.log(`whole: ${Object.entries(result.tokensPerSecond).map(([name, { median }]) => `${name} ${Math.round(median)} tokens a second`).join(", ")}; ratio ${result.ratio.median}`);
  return result;
}

async function ours() {
  const device = await openDevice({ backend: "cpu", threads });
  const model = await openModel("demo", { device, site });
  const start = performance.now();
  const activations = harvest(model, openTexts("demo"), { site, rows: "packed", contextLength: context });
  const training = train(activations, topK({ features: F, k }), { tokens: steps * B, batchSize: B, bufferTokens: capacity });
  for await (const { step } of training) if (step === steps) break;
  training.dispose();
  const seconds = (performance.now() - start) / 1000;
  await model.dispose();
  device.dispose();
  return seconds;
}
