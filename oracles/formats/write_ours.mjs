// Writes every dictionary of dl/ again, as this project saves one that was trained on activations divided by 3.7.
// usage: node write_ours.mjs OUT      (after `pnpm build`); then open_ours.py reads OUT
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { memorySource, openTorch, writeTorch } from "../../packages/checkpoint/dist/index.js";
import * as sae from "../../packages/sae/dist/index.js";

const classes = Object.fromEntries(Object.values(sae).filter((value) => value.tensors).map((saved) => [saved.name, saved]));
const [out] = process.argv.slice(2);
const dl = new URL("dl/", import.meta.url);

for (const name of await readdir(dl)) {
  const saved = classes[name.split("_")[0]];
  const bytes = await readFile(new URL(`${name}/ae.pt`, dl));
  const weights = await sae.readWeights(saved, await openTorch(memorySource(bytes, name)));
  const { tensors, config } = sae.writeDictionaryLearning(saved, weights, {
    normFactor: 3.7,
    trainer: { trainer_class: "Ours", layer: 3, lm_name: "org/tiny-model", submodule_name: "resid_post_layer_3" },
    buffer: { ctx_len: 64 },
  });
  await mkdir(`${out}/${name}`, { recursive: true });
  await writeFile(`${out}/${name}/ae.pt`, writeTorch(tensors));
  await writeFile(`${out}/${name}/config.json`, `${JSON.stringify(config, null, 4)}\n`);
}
