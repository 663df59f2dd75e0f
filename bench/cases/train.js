// End to end: texts, tokens, the model as far as the site, a shuffling buffer, steps of TopK. Opening the model is left out.
import { topK } from "@dictlearn/sae";
import { demo } from "@dictlearn/demo";
import { harvest, openModel, openTexts, train } from "dictlearn";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CommandError } from "@dictlearn/command";
import { realShapeFiles } from "../files/realShape.js";
import { openDevice } from "../harness/openDevice.js";
import { modelOf, site } from "./harvest.js";

export const title = "From texts to a dictionary";

const [T, k] = [128, 32];

export function rows({ quick, files, tokens: asked }) {
  const { model, D } = modelOf({ quick, files });
  const texts = quick ? fileURLToPath(demo.texts) : join(realShapeFiles(join(files, "real-shape")), "texts.jsonl");
  const [B, tokens] = quick ? [512, 4096] : [2048, asked];
  const steps = Math.floor(tokens / B);
  const capacity = 20 * B;
  return [[4096, { default: [1.6], wasm: [1.1], memory: 1 / 3 }], [16_384, { default: [3], wasm: [2], memory: 1 / 3 }]].map(([full, targets]) => {
    const F = quick ? full / 8 : full;
    return {
      id: `F=${F}`,
      label: `${quick ? "the demo's model" : "Pythia-70m's shape"}, TopK, k = ${k}, F = ${F.toLocaleString("en")}, ${(steps * B).toLocaleString("en")} tokens`,
      shape: { B, D, F, k, T, tokens: steps * B, buffer: capacity, site: site.name },
      unit: "token",
      targets,
      warmup: 0, // long enough by itself
      rounds: 1,
      ours: { model, texts, F, B, steps, capacity },
      peer: { model, texts, layer: site.layer, D, F, k, B, T, steps, capacity },
    };
  });
}

export async function open({ model: folder, texts, F, B, steps, capacity, ...where }) {
  const device = await openDevice(where);
  const model = await openModel(folder, { device, site: site.name });
  let done;
  return {
    label: device.label,
    async turn() {
      const activations = harvest(model, openTexts(texts), { site: site.name, rows: "packed", contextLength: T });
      const training = train(activations, topK({ features: F, k }), { tokens: steps * B, batchSize: B, bufferTokens: capacity, logEvery: steps });
      for await (const step of training) done = step;
      training.dispose();
      await device.idle();
      return done.tokens;
    },
    facts: async () => ({ tokens: done.tokens, l0: done.l0, deviceMiB: device.bytesInUse / 2 ** 20 }),
  };
}

export function check({ shape: { tokens, k }, label }, sides) {
  for (const [name, { facts }] of Object.entries(sides))
    if (facts.tokens !== tokens || facts.l0 > k) throw new CommandError("IO", `train, ${label}: expected ${tokens} tokens and at most ${k} features each, got ${facts.tokens} and ${facts.l0} (${name})`);
}
