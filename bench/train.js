// Training against dictionary_learning's own trainers. topK, standard: as good dictionaries out of the same activations?
// topKStep, standardStep: the time of a step. whole: tokens a second from texts to a dictionary. Times are taken in turns:
// machines change pace from minute to minute, so only ratios of one round compare.
//
//   pnpm -s bench train --python PATH [--parts topK,standard,topKStep,standardStep,whole] [--seeds 3] [--tokens 524288]
//     [--steps 1000] [--rows 256] [--rounds 7] [--features 4096,16384]
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { parity } from "./train.parity.js";
import { openPeer } from "./train.peer.js";
import { whole } from "./train.whole.js";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== "--"),
  allowPositionals: true, // the name of the benchmark
  options: {
    python: { type: "string" },
    parts: { type: "string", default: "topK,standard,topKStep,standardStep,whole" },
    seeds: { type: "string", default: "3" },
    tokens: { type: "string", default: "524288" },
    steps: { type: "string", default: "1000" },
    rows: { type: "string", default: "256" },
    rounds: { type: "string", default: "7" },
    features: { type: "string", default: "4096,16384" },
  },
});
if (!options.python) throw new Error("bench train: expected --python PATH, a Python with dictionary-learning 0.1.0 (bench/train.py says what else), got none");

const list = (text) => text.split(",");
const number = (name) => Number(options[name]);
const data = { seeds: number("seeds"), tokens: number("tokens"), steps: number("steps"), rows: number("rows"), threads: 2 };
const timing = { features: list(options.features).map(Number), rounds: number("rounds") };
const parts = {
  topK: (peer) => parity(peer, "topK", data),
  standard: (peer) => parity(peer, "standard", data),
  whole: (peer) => whole(peer, timing),
};

const file = new URL("results/train.json", import.meta.url);
mkdirSync(new URL(".", file), { recursive: true });
for (const name of list(options.parts)) {
  const peer = await openPeer(options.python);
  const result = await parts[name](peer);
  peer.close();
  const about = { date: new Date().toISOString(), machine: `${cpus()[0]?.model.trim()}, ${cpus().length} logical cores`, versions: { node: process.versions.node, ...peer.versions } };
  const before = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : {}; // parts that do not run stay as they were
  writeFileSync(file, `${JSON.stringify({ ...before, [name]: { ...about, ...result } }, null, 2)}\n`);
}
process.exit(0);
