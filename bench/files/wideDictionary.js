// A dictionary of many features for the demo's model: TopK with k = 32 and random rows, each a unit vector, read and written
// the same way. Which features fire is random too; how many, and what they cost, is as with one that was trained.
import { writeTorch } from "@dictlearn/checkpoint";
import { openRng } from "@dictlearn/kernels";
import { savedAutoEncoderTopK, writeDictionaryLearning } from "@dictlearn/sae";
import { closeSync, existsSync, mkdirSync, openSync, renameSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

/** @returns the folder: ae.pt, config.json */
export function wideDictionary(folder, { D, F }) {
  if (existsSync(join(folder, "ae.pt"))) return folder;
  mkdirSync(folder, { recursive: true });
  const encoder = openRng({ seed: 0, stream: "init" }).normal(F * D);
  for (let f = 0; f < F; f++) {
    const row = encoder.subarray(f * D, (f + 1) * D);
    const norm = Math.hypot(...row);
    row.forEach((x, d) => (row[d] = x / norm));
  }
  const { tensors, config } = writeDictionaryLearning(savedAutoEncoderTopK, { encoder, decoder: encoder.slice(), encoderBias: new Float32Array(F), decoderBias: new Float32Array(D), k: 32, threshold: -1 });
  writeFileSync(join(folder, "config.json"), JSON.stringify(config));
  const file = openSync(join(folder, "ae.pt.part"), "w");
  for (const piece of writeTorch(tensors)) writeSync(file, piece);
  closeSync(file);
  renameSync(join(folder, "ae.pt.part"), join(folder, "ae.pt"));
  return folder;
}
