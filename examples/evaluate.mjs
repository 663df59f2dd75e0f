// How well does a dictionary describe a model's activations, and how much of the model's loss do its reconstructions keep?
//   node examples/evaluate.mjs
import { openDevice } from "@dictlearn/kernels/node";
import { evaluate, openDictionary, openModel, openTexts } from "dictlearn";

const device = await openDevice();
const model = await openModel("demo", { device }); // or "EleutherAI/pythia-70m-deduped", from the Hugging Face Hub
const dictionary = await openDictionary("demo", { device }); // or "hf:OWNER/REPO/path/of/ae.pt"

// Texts are read as they are asked for: "monology/pile-uncopyrighted" would be streamed, and nothing of it kept.
const texts = openTexts("demo", { shuffle: { seed: 0, window: 32 } });
const metrics = await evaluate(model, dictionary, texts, { site: "layers.3.mlp_out", contextLength: 128, batchSize: 16 });

console.log(`${metrics.l0.toFixed(1)} features a token explain ${(100 * metrics.frac_variance_explained).toFixed(1)}% of the variance;`);
console.log(`in place of the activations they keep ${(100 * metrics.frac_recovered).toFixed(1)}% of what the layer does for the model's loss`);
console.log(`(${metrics.loss_original.toFixed(3)} nats a token as it is, ${metrics.loss_reconstructed.toFixed(3)} with them, ${metrics.loss_zero.toFixed(3)} with zeros).`);

dictionary.dispose();
await model.dispose();
device.dispose();
