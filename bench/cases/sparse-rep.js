// The app's whole process on files of the real shape, against a Python script that does the same with PyTorch and
// transformers, from start to end, warm disk.
import { CommandError } from "@dictlearn/command";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { realShapeFiles } from "../files/realShape.js";
import { about } from "../harness/machine.js";
import { ratiosOf, sideOf } from "../harness/measure.js";
import { processOf } from "../harness/processOf.js";
import { inTurns } from "../harness/turns.js";

export const title = "sparse-rep, the whole process";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

export function rows({ quick, files, threads, device }) {
  const folder = quick ? undefined : realShapeFiles(join(files, "real-shape"));
  const [sentences, model, dictionary] = quick ? [[], "demo", "demo"] : [[join(folder, "sentences.csv")], join(folder, "model"), join(folder, "dictionary", "ae.pt")];
  return [
    {
      id: "process",
      label: quick ? "the demo's model and sentences" : "Pythia-70m's shape, 32,768 features, 59 sentences",
      shape: quick ? {} : { D: 512, F: 32_768, sentences: 59 },
      targets: { default: [8, 12], wasm: [8], memory: 1 / 3 },
      warmup: 1, // the disk
      rounds: 3,
      ours: [...sentences, "--model", model, "--dictionary", dictionary, "--threads", String(threads), "--format", "json", "--quiet"],
      peer: folder && device === "cpu" && { folder, out: join(files, "sparse-rep-python.json") },
    },
  ];
}

export async function measure(_, row, { device, threads, engines, python, rounds = row.rounds, quick }) {
  const { folder, out } = row.peer || {};
  const ours = device === "cpu" ? engines : { default: "auto" };
  const command = [process.execPath, ["--require", here("../harness/usageAtExit.cjs"), here("../../apps/sparse-rep/dist/main.cjs"), ...row.ours, "--device", device]];
  const contenders = Object.fromEntries(Object.entries(ours).map(([name, engine]) => [name, [command[0], [...command[1], "--engine", engine]]]));
  if (python && row.peer) contenders.python = [python, [here("../peers/sparse_rep.py"), folder, out, String(threads)]];
  const start = about();
  const taken = await inTurns(Object.fromEntries(Object.entries(contenders).map(([name, [command, args]]) => [name, () => processOf(command, args)])), { rounds, ...(quick ? { warmup: 0, pauseMs: 0 } : { warmup: row.warmup }) });
  const theirs = taken.python && JSON.parse(readFileSync(out, "utf8"));
  const sides = Object.fromEntries(
    Object.entries(taken).map(([name, list]) => {
      const read = name === "python" ? undefined : JSON.parse(list.at(-1).stdout);
      const facts = read ? { sentences: read.sentences.length, ...(theirs && { largestDifference: difference(read, theirs) }) } : { sentences: theirs.rows.length };
      return [name, sideOf({ taken: list, label: read ? `Node, ${device}` : "Python", peakMiB: Math.max(...list.map(({ peakMiB }) => peakMiB)), facts })];
    }),
  );
  return { ...start, versions: { node: process.versions.node, ...theirs?.versions }, device, threads, rounds, label: row.label, shape: row.shape, base: "python", targets: row.targets, sides, ratios: ratiosOf(sides, taken, "python") };
}

/** The same job was done: largest |ours - theirs| / (|theirs| + 0.01) over means, variances and maxima. */
function difference({ sentences }, { rows }) {
  let largest = 0;
  sentences.forEach(({ original: o, sparse: s }, i) => {
    const [a, b] = [[o.mean, o.variance, o.maxWeight, s.mean, s.variance, s.maxWeight], [...rows[i].slice(0, 3), ...rows[i].slice(4, 7)]];
    a.forEach((value, j) => (largest = Math.max(largest, Math.abs(value - b[j]) / (Math.abs(b[j]) + 0.01))));
  });
  return largest;
}

export function check({ label }, { python, ...ours }) {
  for (const [name, { facts }] of Object.entries(ours)) {
    if (!(facts.sentences > 0)) throw new CommandError("IO", `sparse-rep, ${label}: expected sentences, got none (${name})`);
    if (python && !(facts.largestDifference < 1e-3)) throw new CommandError("IO", `sparse-rep, ${label}: expected the same statistics of both sides, got ${facts.largestDifference} apart (${name})`);
  }
}
