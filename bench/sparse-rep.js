// The app's whole process on files of the real shape, against a Python script that does the same with PyTorch and
// transformers: wall-clock time and peak of resident memory, in turns, warm disk, two threads, cpu.
//
//   pnpm -s bench sparse-rep [--python PATH] [--rounds 3] [--files FOLDER]
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { realShapeFiles } from "./sparse-rep.files.js";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== "--"),
  allowPositionals: true, // the name of the benchmark
  options: {
    python: { type: "string" },
    rounds: { type: "string", default: "3" },
    files: { type: "string", default: join(tmpdir(), "dictlearn-bench", "real-shape") },
  },
});

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = realShapeFiles(options.files);
const output = join(folder, "python.json");

const ours = {
  name: "sparse-rep",
  command: process.execPath,
  args: [
    "--require", here("sparse-rep.peak.cjs"), here("../apps/sparse-rep/dist/main.js"), join(folder, "sentences.csv"),
    "--model", join(folder, "model"), "--dictionary", join(folder, "dictionary", "ae.pt"), "--device", "cpu", "--threads", "2", "--format", "json", "--quiet",
  ],
  peakKiB: ({ peak }) => Number(peak),
};
const python = {
  name: "Python",
  command: options.python,
  args: [here("sparse_rep.py"), folder, output],
  peakKiB: () => JSON.parse(readFileSync(output, "utf8")).peakKiB,
};

const contenders = options.python ? [ours, python] : [ours];
const runs = new Map(contenders.map(({ name }) => [name, []]));
let last;
for (let round = 0; round <= Number(options.rounds); round++)
  for (const contender of contenders) {
    const { seconds, stdout, peak } = await timed(contender);
    const run = { seconds, MiB: contender.peakKiB({ peak }) / 1024 };
    if (contender === ours) last = JSON.parse(stdout);
    if (round > 0) runs.get(contender.name).push(run); // the first warms the disk
  }

const summary = Object.fromEntries([...runs].map(([name, list]) => [name, { seconds: median(list.map((run) => run.seconds)), MiB: median(list.map((run) => run.MiB)), runs: list }]));
for (const [name, { seconds, MiB }] of Object.entries(summary)) console.log(`${name.padEnd(12)} ${seconds.toFixed(2)} s   ${MiB.toFixed(0)} MiB`);
if (options.python) {
  const [a, b] = [summary[ours.name], summary[python.name]];
  summary.ratio = { speed: b.seconds / a.seconds, memory: a.MiB / b.MiB };
  summary.largestDifference = difference();
  console.log(`sparse-rep is ${summary.ratio.speed.toFixed(1)} times as fast, with ${(100 * summary.ratio.memory).toFixed(0)}% of the memory`);
  console.log(`the statistics differ by at most ${summary.largestDifference.toExponential(1)} of their size`);
}
mkdirSync(here("results"), { recursive: true });
writeFileSync(here("results/sparse-rep.json"), `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, date: new Date().toISOString(), ...summary }, null, 2)}\n`);

/** Runs a process to its end. */
function timed({ command, args }) {
  return new Promise((resolve, reject) => {
    const start = performance.now();
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe", "pipe"] });
    const [stdout, stderr, peak] = [1, 2, 3].map((i) => {
      const chunks = [];
      child.stdio[i].on("data", (chunk) => chunks.push(chunk));
      return () => Buffer.concat(chunks).toString();
    });
    let seconds;
    child.on("exit", () => (seconds = (performance.now() - start) / 1000));
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve({ seconds, stdout: stdout(), peak: peak() }) : reject(new Error(`${command} ${args.join(" ")}: exit code ${code}\n${stderr()}`))));
  });
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}

/** The same job was done: largest |ours - theirs| / (|theirs| + 0.01) over means, variances and maxima. */
function difference() {
  const { rows } = JSON.parse(readFileSync(output, "utf8"));
  let largest = 0;
  last.sentences.forEach(({ original: o, sparse: s }, i) => {
    const [a, b] = [[o.mean, o.variance, o.maxWeight, s.mean, s.variance, s.maxWeight], [...rows[i].slice(0, 3), ...rows[i].slice(4, 7)]];
    a.forEach((value, j) => (largest = Math.max(largest, Math.abs(value - b[j]) / (Math.abs(b[j]) + 0.01))));
  });
  return largest;
}
