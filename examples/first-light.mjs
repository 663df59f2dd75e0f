// What do sentences look like in the features of a sparse autoencoder? With the bundled model and dictionary:
//   node examples/first-light.mjs
import { openDevice } from "@dictlearn/kernels/node";
import { analyse, openDictionary, openModel } from "dictlearn";

const device = await openDevice(); // a GPU if there is one, else WebAssembly on the CPU
const model = await openModel("demo", { device }); // or a folder, or a name: "EleutherAI/pythia-70m-deduped"
const dictionary = await openDictionary("demo", { device }); // or an ae.pt that was trained on that model

const sentences = [
  "We must balance the budget and reduce the public debt.",
  "Our soldiers have defended the liberty of the people.",
  "The children of this nation deserve good schools.",
];

// The dictionary was trained on what the MLP of layer 3 writes at each token, so that is where to look. The last token
// has read the whole sentence. (The mean over all tokens is a vector shorter than any of them: few features notice it.)
for await (const row of analyse(model, dictionary, sentences, { site: "layers.3.mlp_out", pooling: "last", top: 3 })) {
  console.log(row.sentence);
  console.log(`  ${row.sparse.l0} of ${dictionary.F} features are active; the strongest:`);
  for (const { feature, weight } of row.top) console.log(`  feature ${feature}: ${weight.toFixed(3)}`);
}

dictionary.dispose();
await model.dispose();
device.dispose();
