// The input side of a harvest, on one core: a file like the Pile's (JSON lines in zstd) decompressed, parsed and tokenized,
// beside the rate at which a model of Pythia-70m's shape takes tokens. Texts must not be what a harvest waits for. Both in
// turns: machines change pace, so the ratio of a round says more than the figures.
//
//   pnpm -s bench load [--megabytes 30] [--rounds 3] [--threads 2] [--files FOLDER]
import { openDevice } from "@dictlearn/kernels/node";
import { packRows } from "@dictlearn/neox";
import { openModel, openTexts, openTokenizer } from "dictlearn";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, statSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import * as zlib from "node:zlib";
import { realShapeFiles } from "./sparse-rep.files.js";

const { values: options } = parseArgs({
  args: process.argv.slice(2).filter((word) => word !== "--"),
  allowPositionals: true, // the name of the benchmark
  options: {
    megabytes: { type: "string", default: "30" },
    rounds: { type: "string", default: "3" },
    threads: { type: "string", default: "2" },
    files: { type: "string", default: join(tmpdir(), "dictlearn-bench") },
  },
});
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const file = await pileLike(options.files, Number(options.megabytes) * 1e6);
const tokenizer = await openTokenizer("demo");
const harvest = await harvester();
const rounds = [];
for (let round = 0; round <= Number(options.rounds); round++) {
  const result = { parsed: await read(file), tokenized: await read(file, { tokenizer, most: 6e6 }), harvest: await harvest.pass() };
  if (round > 0) rounds.push(result); // the first warms the disk and the compiler
}

const of = (pick) => median(rounds.map(pick));
const rate = ({ tokens, seconds }) => tokens / seconds;
const summary = {
  file: { name: file.replace(/^.*\//, ""), packedMB: statSync(file).size / 1e6, textMB: rounds[0].parsed.characters / 1e6, texts: rounds[0].parsed.texts },
  firstTextMs: of(({ tokenized }) => tokenized.firstText),
  firstTokenMs: of(({ tokenized }) => tokenized.firstToken),
  parsedMBs: of(({ parsed }) => parsed.characters / 1e6 / parsed.seconds),
  tokenizedMBs: of(({ tokenized }) => tokenized.characters / 1e6 / tokenized.seconds),
  tokensPerSecond: of(({ tokenized }) => rate(tokenized)),
  harvest: { site: harvest.site, threads: harvest.threads, tokensPerSecond: of((round) => rate(round.harvest)) },
  ratio: of((round) => rate(round.tokenized) / rate(round.harvest)),
};
console.log(`first text after ${summary.firstTextMs.toFixed(0)} ms, first token after ${summary.firstTokenMs.toFixed(0)} ms`);
console.log(`decompressed and parsed: ${summary.parsedMBs.toFixed(0)} MB of text a second; tokenized too: ${summary.tokenizedMBs.toFixed(1)} MB, ${Math.round(summary.tokensPerSecond).toLocaleString("en")} tokens a second, one core`);
console.log(`harvest at ${harvest.site} of Pythia-70m's shape: ${Math.round(summary.harvest.tokensPerSecond).toLocaleString("en")} tokens a second, ${harvest.threads} threads; the input side has ${summary.ratio.toFixed(0)} times that`);
mkdirSync(here("results"), { recursive: true });
writeFileSync(here("results/load.json"), `${JSON.stringify({ node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, date: new Date().toISOString(), ...summary, rounds }, null, 2)}\n`);
process.exit(0);

/** English in rows of the Pile's form and of its lengths (a few hundred to tens of thousands of characters), from the demo's addresses. */
async function pileLike(folder, bytes) {
  const pack = { zst: zlib.zstdCompressSync ?? ((text) => execFileSync("zstd", ["-q", "-3", "-c"], { input: text, maxBuffer: 1 << 30 })), gz: zlib.gzipSync };
  const path = (ending) => join(folder, `pile-like-${bytes}.jsonl.${ending}`);
  const done = Object.keys(pack).map(path).find((path) => existsSync(path));
  if (done) return done;
  mkdirSync(folder, { recursive: true });
  const addresses = [];
  for await (const { text } of openTexts("demo")) addresses.push(text);
  const rows = [];
  let state = 1;
  for (let size = 0, i = 0; size < bytes; i++) {
    const address = addresses[i % addresses.length];
    for (let at = 0; at < address.length && size < bytes; ) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      const text = address.slice(at, (at += Math.round(300 * 100 ** (state / 2 ** 32)))); // 300 to 30,000, as many of each magnitude
      rows.push(JSON.stringify({ text, meta: { pile_set_name: "SOTU" } }));
      size += text.length;
    }
  }
  const text = Buffer.from(`${rows.join("\n")}\n`);
  for (const [ending, compress] of Object.entries(pack))
    try {
      writeFileSync(`${path(ending)}.part`, compress(text));
      renameSync(`${path(ending)}.part`, path(ending));
      return path(ending);
    } catch (error) {
      if (ending === "gz") throw error;
      console.error(`bench load: zstd needs Node 22.15 or the command zstd (${error.message.split("\n")[0]}); taking gzip`);
    }
}

/** Reads texts, all or some characters of them, and their tokens if there is a tokenizer. */
async function read(file, { tokenizer, most = Infinity } = {}) {
  const start = performance.now();
  let [firstText, firstToken, characters, texts, tokens] = [0, 0, 0, 0, 0];
  for await (const { text } of openTexts(file)) {
    if (texts++ === 0) firstText = performance.now() - start;
    characters += text.length;
    if (tokenizer) tokens += tokenizer.encode(text).length;
    firstToken ||= performance.now() - start;
    if (characters > most) break;
  }
  return { seconds: (performance.now() - start) / 1000, firstText, firstToken, characters, texts, tokens };
}

/** Activations of 32 rows of 128 tokens, read back, at the site that most dictionaries for this model are for. */
async function harvester() {
  const [site, threads, T, R] = ["layers.3.mlp_out", Number(options.threads), 128, 32];
  const device = await openDevice({ backend: "cpu", threads });
  const model = await openModel(join(realShapeFiles(join(options.files, "real-shape")), "model"), { device, site });
  const rows = packRows(Array.from({ length: R }, (_, r) => Array.from({ length: T }, (_, t) => (7919 * (r * T + t)) % 50_000)));
  const pass = async () => {
    const start = performance.now();
    let activations;
    await model.neox.run(rows, { at: { [site]: (x) => void (activations = x.read()) } });
    await activations;
    return { tokens: R * T, seconds: (performance.now() - start) / 1000 };
  };
  return { site, threads, pass };
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
}
