// A dictionary of one's own is its forward functions, and so is what it learns by: gradients come by themselves.
//   node examples/custom-dictionary.mjs [TOKENS]
import { decodeSparse, div, encodeTopK, mean, square, sub, sumRows } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { defineDictionary } from "@dictlearn/sae";
import { evaluate, harvest, openModel, openTexts, train } from "dictlearn";

const tokens = Number(process.argv[2] ?? 300_000);
const site = "layers.3.mlp_out";
const device = await openDevice();
const model = await openModel("demo", { device });

const centred = defineDictionary({
  name: "centred",
  parameters: ({ D, F }) => ({ encoder: [F, D], bias: [F], decoder: [F, D], centre: [D] }),
  encode: (p, x) => encodeTopK(sub(x, p.centre), p.encoder, p.bias, { k: 24 }), // x f32[B,D] → features [B,F], 24 a row
  decode: (p, f) => decodeSparse(f, p.decoder, p.centre), //                       → x̂ f32[B,D]
});

// The error in proportion to each token's own size: otherwise the few long activations decide what is learnt.
const squares = (rows) => sumRows(square(rows)); // f32[B]
const objective = (p, x, { xHat }) => mean(div(squares(sub(x, xHat)), squares(x)));

const activations = harvest(model, openTexts("demo", { shuffle: { seed: 0, window: 32 } }), { site, rows: "packed" });
const spec = centred.trainer({ features: 1536, objective, lr: 3e-3, unitRows: ["decoder"] });
const training = train(activations, spec, { tokens, batchSize: 1024, logEvery: 20 });
for await (const { tokens, loss, l0, logs } of training)
  if (logs) console.log(`${tokens} tokens: loss ${loss.toFixed(3)}, L0 ${l0.toFixed(1)}, FVE ${logs[0].frac_variance_explained.toFixed(3)}`);

// In use it is a dictionary like any other. (`writeDictionaryLearning` makes files of it, `openDictionary` reads them.)
const { trainer } = training.trainees[0];
const dictionary = trainer.saved.open(device, await trainer.weights());
const { frac_recovered } = await evaluate(model, dictionary, openTexts("demo", { shuffle: { seed: 1, window: 32 } }), { site, batchSize: 16 });
console.log(`in place of the activations it keeps ${(100 * frac_recovered).toFixed(1)}% of what the layer does for the model's loss`);

dictionary.dispose();
training.dispose();
await model.dispose();
device.dispose();
