// What does a feature do? Add its direction while the model writes, or take it away, and read the difference.
//   node examples/steering.mjs [STRENGTH] [SEED]
import { add, linear, matmul, scale, SparseFeatures, sub } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { generate } from "@dictlearn/neox";
import { analyse, openDictionary, openModel } from "dictlearn";

const strength = Number(process.argv[2] ?? 8); // an activation at this site is 3.4 long, in the mean square
const site = "layers.3.mlp_out";
const device = await openDevice();
const model = await openModel("demo", { device });
const dictionary = await openDictionary("demo", { device });

// The feature that the last token, "$", switches on most: a sum is coming.
const prompt = "The cost of the war was $";
const { value: row } = await analyse(model, dictionary, [prompt], { site, pooling: "last", top: 1 }).next();
const [{ feature, weight }] = row.top;
console.log(`feature ${feature} is at ${weight.toFixed(2)} behind ${JSON.stringify(prompt)}\n`);

// Its direction, f32[1,D]: what it alone decodes to, less what nothing decodes to.
const only = (value) => new SparseFeatures([1, dictionary.F], ...[Uint32Array.of(0, 1), Uint32Array.of(feature), Float32Array.of(value)].map((data) => device.tensor(data, [data.length])));
const direction = sub(dictionary.decode(only(1)), dictionary.decode(only(0)));
const push = scale(direction, strength).reshape([model.width]);

// A hook sees what the MLP writes, x f32[N,D], and what it returns takes its place.
const hooks = {
  "as it is": undefined,
  [`+ ${strength} × the feature`]: (x) => add(x, push),
  "without its direction": (x) => sub(x, matmul(linear(x, direction), direction)), // x - (x·d) d, as |d| = 1
};
const seed = Number(process.argv[3] ?? 1); // the same seed writes the same text
async function write(hook) {
  const tokens = [...model.tokenizer.encode(prompt)];
  const options = { maxTokens: 80, temperature: 0.7, topK: 40, seed, at: hook && { [site]: hook } };
  for await (const token of generate(model.neox, Uint32Array.from(tokens), options)) tokens.push(token);
  return model.tokenizer.decode(tokens).replace(/\s+/g, " ");
}

// Side by side: one sample each, so other seeds are worth a look before believing anything.
const width = 38;
const columns = [];
for (const [name, hook] of Object.entries(hooks)) {
  const lines = (await write(hook)).match(new RegExp(`.{1,${width}}(?=\\s|$)`, "g"));
  columns.push([name, "-".repeat(width), ...lines.map((line) => line.trim())]);
}
const rows = Math.max(...columns.map((column) => column.length));
for (let i = 0; i < rows; i++) console.log(columns.map((column) => (column[i] ?? "").padEnd(width)).join(" | ").trimEnd());

dictionary.dispose();
await model.dispose();
device.dispose();
