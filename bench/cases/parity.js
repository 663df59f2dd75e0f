// Dictionaries of the demo model's layers.3.mlp_out, by our trainers and by dictionary_learning's, on the same batches in the
// same order; then both measured on addresses that neither saw.
import { memorySource, openTorch, writeSafetensors, writeTorch } from "@dictlearn/checkpoint";
import { openRng } from "@dictlearn/kernels";
import { openDevice } from "@dictlearn/kernels/node";
import { evaluateActivations, readWeights, rowsOf, savedAutoEncoder, savedAutoEncoderTopK, standard, topK, writeDictionaryLearning } from "@dictlearn/sae";
import { evaluate, harvest, openDictionary, openModel, openTexts } from "dictlearn";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CommandError } from "@dictlearn/command";
import { about } from "../harness/machine.js";
import { openPeer } from "../harness/openSide.js";

const [site, D, F, B] = ["layers.3.mlp_out", 192, 1536, 2048];

export const title = "As good dictionaries?";

/** Not among what `bench` runs unasked: most of an hour. */
export function rows({ quick, seeds, steps, device }) {
  if (device !== "cpu") return [];
  const size = quick ? { seeds: 1, tokens: 4096, steps: 20, pieces: 32, heldTokens: B } : { seeds, tokens: 524_288, steps, pieces: 256, heldTokens: 32 * B };
  return ["topK", "standard"].map((id) => ({ id, label: id, ...size }));
}

export async function measure(_, row, { python, threads }) {
  const peer = python && openPeer(python, "parity");
  try {
    const start = about();
    const versions = { node: process.versions.node, ...(await peer?.ask("versions")) };
    return { ...start, versions, label: row.label, threads, ...(await parity(peer, row, threads)) };
  } finally {
    await peer?.close();
  }
}

/** What this row found, for a terminal: it was told as it ran. */
export const lineOf = (_, { label, summary }) => `parity: ${label}${summary ? `, ${JSON.stringify(summary)}` : ""}`;

/** The same hyper-parameters in both languages. Those of the demo's dictionary for `standard`. */
const recipes = (steps) => {
  const schedule = { warmupSteps: Math.floor(steps / 10), decayStart: Math.floor(0.8 * steps) };
  const [theirs, sparsity] = [{ steps, activation_dim: D, dict_size: F, warmup_steps: schedule.warmupSteps, decay_start: schedule.decayStart }, Math.floor(steps / 5)];
  return {
    topK: { saved: savedAutoEncoderTopK, spec: topK({ features: F, k: 32, ...schedule }), trainer: "TopKTrainer", arguments: { ...theirs, k: 32 } },
    standard: {
      saved: savedAutoEncoder,
      spec: standard({ features: F, lr: 1e-3, l1Penalty: 0.12, sparsityWarmupSteps: sparsity, ...schedule }),
      trainer: "StandardTrainer",
      arguments: { ...theirs, lr: 1e-3, l1_penalty: 0.12, sparsity_warmup_steps: sparsity },
    },
  };
};

async function parity(peer, { id: name, seeds, tokens, steps, pieces: rows, heldTokens }, threads) {
  const folder = mkdtempSync(join(tmpdir(), "dictlearn-bench-train-"));
  const device = await openDevice({ backend: "cpu", threads });
  try {
    const model = await openModel("demo", { device, site });
    const x = await activations(model, (i) => i % 16 !== 15, tokens); // the demo model was trained on these
    const held = await activations(model, (i) => i % 16 === 15, heldTokens);
    const factor = Math.sqrt(x.reduce((sum, value) => sum + value * value, 0) / tokens);
    const unit = x.map((value) => value / factor);
    const order = orderOf(tokens, steps * B);
    const file = join(folder, "data.safetensors");
    writeFileSync(file, writeSafetensors([{ name: "x", dtype: "f32", shape: [tokens, D], data: unit }, { name: "held", dtype: "f32", shape: [heldTokens, D], data: held }, { name: "order", dtype: "i32", shape: [order.length], data: order }]));
    await peer?.ask("load", { file });
    const pieces = await heldOut();

    const recipe = recipes(steps)[name];
    const runs = [];
    for (let seed = 0; seed < seeds; seed++) {
      const out = (by) => mkdirSync(join(folder, `${seed}-${by}`), { recursive: true });
      const record = async (by, start, folder) => {
        runs.push({ seed, by, start, ...(await measured(folder, { device, model, held, pieces, rows, peer, threads })) });
        console.log(told(name, runs.at(-1)));
      };
      const theirs = out("theirs");
      if (peer) await peer.ask("train", { trainer: recipe.trainer, arguments: { ...recipe.arguments, seed }, batch: B, threads: 1, factor, out: theirs });
      if (peer) await record("dictionary_learning", "its own", theirs);
      for (const [start, parameters] of [...(peer ? [["the same", await startOf(recipe, theirs)]] : []), ["its own", undefined]]) {
        const ours = out(start);
        await train(recipe, { device, unit, order, steps, seed, parameters, factor, out: ours });
        await record("dictlearn", start, ours);
      }
    }
    await model.dispose();
    return { site, D, F, batch: B, tokens, steps, factor, arguments: recipe.arguments, heldTokens, pieces: rows, runs, summary: peer && compared(runs) };
  } finally {
    device.dispose();
    rmSync(folder, { recursive: true });
  }
}

/** The demo's addresses in order of their names, those that are wanted. */
async function* addresses(wanted) {
  let i = 0;
  for await (const text of openTexts("demo")) if (wanted(i++)) yield text;
}

/** @returns f32[tokens,D] */
async function activations(model, wanted, tokens) {
  const x = new Float32Array(tokens * D);
  const source = harvest(model, addresses(wanted), { site, rows: "packed", contextLength: 128 });
  for (let at = 0; at < x.length; ) {
    const got = await source.next();
    if (!got) throw new CommandError("IO", `parity: expected ${tokens} tokens of text, got ${at / D}`);
    const values = await got.activations[site].read();
    got.activations[site].dispose();
    x.set(values.subarray(0, x.length - at), at);
    at += values.length;
  }
  return x;
}

/** Which row is drawn when: a permutation of all of them, then another. @returns i32[draws] */
function orderOf(rows, draws) {
  const order = new Int32Array(draws);
  for (let at = 0, index = 0; at < draws; at += rows, index++) order.set(openRng({ seed: 0, stream: "buffer", index }).permutation(rows).subarray(0, draws - at), at);
  return order;
}

/** Texts of 128 tokens or more out of held-out addresses: a text is read from its beginning only. */
async function heldOut() {
  const pieces = [];
  for await (const { text } of addresses((i) => i % 16 === 15)) for (const piece of text.match(/[^]{1000,1200}(?=\s)/g) ?? []) pieces.push({ text: piece });
  return pieces;
}

/** The parameters that dictionary_learning's trainer started from. */
async function startOf({ saved }, folder) {
  const weights = await readWeights(saved, await openTorch(memorySource(readFileSync(join(folder, "start.pt")))));
  return Object.fromEntries(Object.entries(weights).flatMap(([name, value]) => (typeof value === "number" ? [] : [[name, rowsOf(value)]])));
}

/** Leaves ae.pt (for activations times the factor) and config.json in `out`. */
async function train({ saved, spec }, { device, unit, order, steps, seed, parameters, factor, out }) {
  const trainer = spec.start({ device, D, steps, seed, parameters });
  const batch = new Float32Array(B * D);
  for (let step = 0; step < steps; step++) {
    for (let b = 0; b < B; b++) {
      const at = order[step * B + b] * D;
      batch.set(unit.subarray(at, at + D), b * D);
    }
    const x = device.tensor(batch, [B, D]);
    await trainer.step(x, step);
    x.dispose();
  }
  const { tensors, config } = writeDictionaryLearning(saved, await trainer.weights(), { normFactor: factor, trainer: trainer.config });
  trainer.dispose();
  writeFileSync(join(out, "ae.pt"), Buffer.concat([...writeTorch(tensors)]));
  writeFileSync(join(out, "config.json"), JSON.stringify(config));
}

/** By our evaluate, with the model's loss; and by each library's measures on the same held-out activations. */
async function measured(folder, { device, model, held, pieces, rows, peer, threads }) {
  const dictionary = await openDictionary(folder, { device });
  try {
    const batches = Array.from({ length: held.length / (B * D) }, (_, i) => device.tensor(held.subarray(i * B * D, (i + 1) * B * D), [B, D]));
    const ours = await evaluateActivations(dictionary, batches);
    for (const x of batches) x.dispose();
    const theirs = await peer?.ask("evaluate", { folder, batch: B, threads });
    const { loss_original, loss_reconstructed, loss_zero, frac_recovered } = await evaluate(model, dictionary, pieces, { site, batchSize: 32, batches: rows / 32 });
    return { ours, theirs, loss: { loss_original, loss_reconstructed, loss_zero, frac_recovered } };
  } finally {
    dictionary.dispose();
  }
}

const told = (name, { seed, by, start, ours, theirs, loss }) =>
  [
    name, `seed ${seed}`, by.padEnd(19), `start: ${start}`.padEnd(16),
    `FVE ${ours.frac_variance_explained.toFixed(4)}${theirs ? ` (${theirs.frac_variance_explained.toFixed(4)} there)` : ""}`, `L0 ${ours.l0.toFixed(2)}`, `alive ${ours.frac_alive.toFixed(3)}`,
    `recovered ${loss.frac_recovered.toFixed(4)}`,
  ].join("  ");

const measures = {
  frac_variance_explained: ({ ours }) => ours.frac_variance_explained,
  frac_recovered: ({ loss }) => loss.frac_recovered,
  l0: ({ ours }) => ours.l0,
  frac_alive: ({ ours }) => ours.frac_alive,
};

/**
 * Relative differences: from the same start run by run, the largest; from each one's own starts the means over seeds, beside
 * how far dictionary_learning's own seeds lie apart. And how far the two libraries measure the same dictionary apart.
 */
function compared(runs) {
  const of = (by, start) => runs.filter((run) => run.by === by && run.start === start);
  const [theirs, same, own] = [of("dictionary_learning", "its own"), of("dictlearn", "the same"), of("dictlearn", "its own")];
  const mean = (list) => list.reduce((sum, value) => sum + value, 0) / list.length;
  const relative = (a, b) => (a - b) / b;
  const largest = (list) => list.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0);
  return {
    ...Object.fromEntries(
      Object.entries(measures).map(([name, pick]) => {
        const seeds = theirs.map(pick);
        return [name, { theirs: mean(seeds), seedsApart: relative(Math.max(...seeds), Math.min(...seeds)), fromTheSameStart: largest(same.map((run, i) => relative(pick(run), seeds[i]))), fromItsOwn: relative(mean(own.map(pick)), mean(seeds)) }];
      }),
    ),
    measuredApart: largest(runs.flatMap(({ ours, theirs }) => ["frac_variance_explained", "l0", "l2_loss", "frac_alive"].map((name) => relative(ours[name], theirs[name])))),
  };
}

export function check({ label }, _, { runs }) {
  for (const { ours, by, start } of runs)
    if (!(ours.frac_variance_explained > 0 && ours.l0 > 0)) throw new CommandError("IO", `parity, ${label}: expected a dictionary that explains something, got FVE ${ours.frac_variance_explained} (${by}, start: ${start})`);
}
