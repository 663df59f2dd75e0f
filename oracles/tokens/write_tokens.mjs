// After a build: node write_tokens.mjs FOLDER
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openDictionary, openModel, sweep } from "../../packages/dictlearn/dist/index.js";
import { openDevice } from "../../packages/kernels/dist/node.js";
import { tokenRows, tokensAsCsv, tokensAsJsonl } from "../../packages/report/dist/index.js";
import { tokensAsParquet } from "../../packages/report/dist/parquet.js";

const sentences = ["The lamp is on the table.", "", 'She said: "stop, or\nwe go".', "naïve café e\u0301 😀 日本語", "NA", "=1+1"];
const places = ["layers.1.resid_post", "layers.3.mlp_out"].map((site) => ({ site, dictionary: "ae.pt" }));

/** Sentences with every kind of character, token by token at two sites: bytes by the name of the file. */
export async function tokenFiles() {
  const path = (name) => fileURLToPath(new URL(`../sparse-rep/${name}`, import.meta.url));
  const device = await openDevice({ backend: "cpu", threads: 1, engine: "wasm" });
  const [model, dictionary] = await Promise.all([openModel(path("model"), { device }), openDictionary(path("ae.pt"), { device })]);
  const formats = { "tokens.parquet": tokensAsParquet({ several: true }), "tokens.jsonl": tokensAsJsonl(), "tokens.csv": tokensAsCsv({ several: true }) };
  const chunks = Object.fromEntries(Object.keys(formats).map((name) => [name, []]));
  let sentence = 0;
  for await (const rows of sweep(model, places.map(({ site }) => ({ site, dictionary })), sentences, { details: true })) {
    const tokens = rows.flatMap((row, i) => tokenRows({ ...row, ...places[i] }, sentence));
    for (const [name, format] of Object.entries(formats)) chunks[name].push(Buffer.from(format.add(tokens)));
    sentence++;
  }
  for (const [name, format] of Object.entries(formats)) chunks[name].push(Buffer.from(format.end()));
  dictionary.dispose();
  await model.dispose();
  device.dispose();
  return Object.fromEntries(Object.entries(chunks).map(([name, parts]) => [name, Buffer.concat(parts)]));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? ".";
  for (const [name, bytes] of Object.entries(await tokenFiles())) writeFileSync(`${folder}/${name}`, bytes);
}
