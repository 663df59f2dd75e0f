// One training step on Gaussian rows: forward, gradients, projection, clipping, Adam, upkeep. Both sides start from the very
// same weights, in a state that says how many features a row has; that they have as many, and the same loss, is checked.
import { CommandError } from "@dictlearn/command";
import { openSafetensors, writeSafetensors } from "@dictlearn/checkpoint";
import { fileSource } from "@dictlearn/checkpoint/node";
import { openRng } from "@dictlearn/kernels";
import { batchTopK, gated, jumpRelu, readLog, standard, topK } from "@dictlearn/sae";
import { existsSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openDevice } from "../harness/openDevice.js";

const steps = 100_000; // of the run that is begun: learning rates barely move
/** A standard normal number is above this with a chance of 1%. */
const percent = 2.3263;

/**
 * By trainer: what it takes, and the state. Directions have norm 1 (standard: 0.1, as dictionary_learning starts it), so that
 * pre-activations are normal with that deviation, and biases or thresholds say how many are on.
 */
const trainers = {
  topK: { spec: topK, theirs: "TopKTrainer", vectors: { encoderBias: 0 }, options: ({ k }) => ({ k }) },
  batchTopK: { spec: batchTopK, theirs: "BatchTopKTrainer", vectors: { encoderBias: 0 }, options: ({ k }) => ({ k }) },
  jumpRelu: { spec: jumpRelu, theirs: "JumpReluTrainer", vectors: { encoderBias: 0, threshold: 0.001 }, sparse: ["threshold", "threshold", percent] },
  gated: { spec: gated, theirs: "GatedSAETrainer", vectors: { gateBias: 0, magnitudeBias: 0, magnitudeLog: 0 }, sparse: ["gateBias", "gate_bias", -percent] },
  standard: { spec: standard, theirs: "StandardTrainer", norm: 0.1, vectors: { encoderBias: 0 }, sparse: ["encoderBias", "encoder.bias", -0.1 * percent] },
};

/** What is measured, with what PyTorch's time over ours must be, and should: by default and with WebAssembly alone. */
const table = [
  { trainer: "topK", F: 4096, targets: { default: [5, 7], wasm: [4.5, 6.5] } },
  { trainer: "topK", F: 16_384, targets: { default: [7, 9], wasm: [6, 8], memory: 1 / 3 } },
  { trainer: "topK", F: 32_768, targets: { default: [7, 9], wasm: [6, 8] } },
  { trainer: "batchTopK", F: 16_384, targets: { default: [6, 9], wasm: [5], memory: 1 / 3 } },
  { trainer: "jumpRelu", F: 16_384, state: "sparse", targets: { default: [6, 9], wasm: [5], memory: 1 / 3 } },
  { trainer: "gated", F: 16_384, state: "sparse", targets: { default: [5, 8], wasm: [4], memory: 1 / 3 } },
  { trainer: "standard", F: 16_384, state: "sparse", targets: { default: [5, 7], wasm: [4], memory: 1 / 3 } },
  { trainer: "standard", F: 4096, state: "dense", targets: { default: [1.1, 1.3], wasm: [0.5, 0.8] } },
];
const titles = { topK: "TopK", batchTopK: "BatchTopK", jumpRelu: "JumpReLU", gated: "Gated", standard: "Standard" };

export const title = "A training step";

export function rows({ quick, files }) {
  const [B, D, k] = quick ? [128, 64, 8] : [2048, 512, 32];
  const measured = quick ? table.map((row) => ({ ...row, F: row.F / 8 })) : table;
  return measured.map(({ trainer, F, state, targets }) => {
    const { norm = 1, theirs, vectors, options, sparse } = trainers[trainer];
    const [ourName, theirName, value] = state === "sparse" ? sparse : [];
    const file = start({ B, D, F }, files);
    return {
      id: [trainer, `F=${F}`, state].filter(Boolean).join(" "),
      label: `${titles[trainer]}${options ? `, k = ${k}` : ""}${state ? `, ${state}` : ""}, F = ${F.toLocaleString("en")}`,
      shape: { B, D, F, ...options?.({ k }), state: state === "sparse" ? "1% on" : state === "dense" ? "half on" : undefined },
      targets,
      warmup: 2,
      profiled: true,
      repeat: F <= 4096 && state !== "dense" ? 3 : 1,
      ours: { trainer, options: { features: F, ...options?.({ k }) }, D, norm, vectors: { ...vectors, ...(ourName && { [ourName]: value }) }, file },
      peer: { trainer: theirs, arguments: { activation_dim: D, dict_size: F, steps, ...options?.({ k }) }, norm, vectors: theirName ? { [theirName]: value } : {}, file },
      expected: { l0: options ? k : state === "sparse" ? F / 100 : F / 2 },
    };
  });
}

/** A file of directions f32[F,D], each of norm 1, and x f32[B,D]. */
function start({ B, D, F }, folder) {
  const path = join(folder, `start-${B}-${D}-${F}.safetensors`);
  if (existsSync(path)) return path;
  const directions = openRng({ seed: 0, stream: "init" }).normal(F * D);
  for (let f = 0; f < F; f++) {
    const row = directions.subarray(f * D, (f + 1) * D);
    const length = Math.hypot(...row);
    row.forEach((value, d) => (row[d] = value / length));
  }
  const x = openRng({ seed: 0, stream: "sample" }).normal(B * D);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.part`, writeSafetensors([{ name: "directions", dtype: "f32", shape: [F, D], data: directions }, { name: "x", dtype: "f32", shape: [B, D], data: x }]));
  renameSync(`${path}.part`, path);
  return path;
}

export async function open({ trainer: name, options, D, norm, vectors, file, ...where }) {
  const device = await openDevice(where);
  const source = await fileSource(file);
  const tensors = await openSafetensors(source);
  const read = async (tensor) => (await tensors.read(tensor)).data;
  const trainer = trainers[name].spec(options).start({ device, D, steps, seed: 0, parameters: parameters(await read("directions")) });
  const x = device.keep(device.tensor(await read("x"), (await tensors.info("x")).shape));
  await source.close();
  let [at, log] = [0];
  return {
    label: device.label,
    device,
    async turn() {
      log = await trainer.step(x, at++);
      await device.idle();
    },
    async facts() {
      const { loss, l0 } = await readLog(log);
      return { loss, l0, deviceMiB: device.bytesInUse / 2 ** 20 };
    },
  };

  function parameters(directions) {
    const encoder = norm === 1 ? directions : directions.map((value) => value * norm);
    const filled = Object.entries(vectors).map(([name, value]) => [name, new Float32Array(directions.length / D).fill(value)]);
    return { encoder, decoder: encoder, decoderBias: new Float32Array(D), ...Object.fromEntries(filled) };
  }
}

/** Both sides did the same work, or their times say nothing. */
export function check({ expected, label }, sides) {
  const all = Object.entries(sides);
  for (const [name, { facts }] of all)
    if (!(Math.abs(facts.l0 / expected.l0 - 1) < 0.15)) throw new CommandError("IO", `step, ${label}: expected ${expected.l0} features a row, got ${facts.l0} (${name})`);
  const [[, first]] = all;
  for (const [name, { facts }] of all)
    for (const key of ["l0", "loss"])
      if (!(Math.abs(facts[key] / first.facts[key] - 1) < 0.01)) throw new CommandError("IO", `step, ${label}: expected the same ${key} of both sides, got ${first.facts[key]} and ${facts[key]} (${name})`);
}
