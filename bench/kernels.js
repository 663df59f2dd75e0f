// linear, f32 [2048,512] x [4096,512]ᵀ, on one thread and on two, by WebAssembly and by the native engine (where it is
// installed), and PyTorch on one, in turns: machines change pace from
// minute to minute, so only figures of one run compare, and their ratios round by round more than the figures.
//
//   pnpm -s bench kernels [--python PATH] [--rounds 15]
import { openDevice } from "@dictlearn/kernels/node";
import { linear } from "@dictlearn/kernels";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== "--"),
  allowPositionals: true, // the name of the benchmark
  options: { python: { type: "string" }, rounds: { type: "string", default: "15" } },
});
const [M, N, K] = [2048, 4096, 512];

/** @returns a function that times one call, in seconds */
async function ours(threads, engine) {
  const device = await openDevice({ backend: "cpu", threads, engine });
  const random = (n) => Float32Array.from({ length: n }, () => Math.random() - 0.5);
  const [x, weight] = [device.tensor(random(M * K), [M, K]), device.tensor(random(N * K), [N, K])];
  await pause(500); // threads take their seats
  return () => {
    const start = performance.now();
    linear(x, weight).dispose();
    return (performance.now() - start) / 1000;
  };
}

/** The same of PyTorch: a Python process that answers each line with the seconds of one call. */
async function torch(python) {
  const child = spawn(python, [fileURLToPath(new URL("kernels.py", import.meta.url)), ...[M, N, K].map(String)], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`bench: expected a line from ${python} kernels.py, got its end`);
    return JSON.parse(value);
  };
  await once(child, "spawn");
  const version = await next();
  const time = () => (child.stdin.write("\n"), next());
  return { version, time, close: () => child.stdin.end() };
}

const python = options.python && (await torch(options.python));
const native = await Promise.all([1, 2].map((threads) => ours(threads, "native"))).catch((error) => console.warn(error.message));
const contenders = { "1 thread": await ours(1, "wasm"), "2 threads": await ours(2, "wasm"), ...(native && { "native, 1 thread": native[0], "native, 2 threads": native[1] }), ...(python && { "PyTorch, 1 thread": python.time }) };
const gflops = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
for (let round = -2; round < Number(options.rounds); round++)
  for (const [name, time] of Object.entries(contenders)) {
    const seconds = await time();
    if (round >= 0) gflops[name].push((2e-9 * M * N * K) / seconds); // the first two rounds warm up
  }
python?.close();

/** @returns median, quartiles and best of a list */
function summary(list) {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (part) => Number(sorted[Math.round(part * (sorted.length - 1))].toPrecision(4));
  return { median: at(0.5), quartiles: [at(0.25), at(0.75)], best: at(1) };
}
const ratio = (a, b) => summary(gflops[a].map((value, round) => value / gflops[b][round]));
const result = {
  benchmark: `linear f32 [${M},${K}] x [${N},${K}]T, GFLOP/s`,
  machine: `${cpus()[0]?.model.trim()}, ${cpus().length} logical cores`,
  versions: { node: process.versions.node, ...python?.version },
  rounds: Number(options.rounds),
  gflops: Object.fromEntries(Object.entries(gflops).map(([name, list]) => [name, summary(list)])),
  ratios: { "2 threads / 1 thread": ratio("2 threads", "1 thread"), ...(python && { "1 thread / PyTorch, 1 thread": ratio("1 thread", "PyTorch, 1 thread"), ...(native && { "native, 1 thread / PyTorch, 1 thread": ratio("native, 1 thread", "PyTorch, 1 thread") }) }) },
};
for (const [unit, rows] of [["GFLOP/s", result.gflops], ["times", result.ratios]])
  for (const [name, { median, quartiles, best }] of Object.entries(rows)) console.log(`${name.padEnd(30)} ${median} ${unit} (quartiles ${quartiles.join(" to ")}, best ${best})`);

const results = new URL("results/", import.meta.url);
mkdirSync(results, { recursive: true });
writeFileSync(new URL("kernels.json", results), `${JSON.stringify(result, null, 2)}\n`);
