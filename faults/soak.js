// pnpm test:soak [--minutes 30] [--write]: opens, trains, evaluates, reads sentences and closes, again and again in one process.
// Memory, open files and threads of the last quarter must be those of the second (the first warms up).
import { defineCommand, progress, runMain } from "@dictlearn/command";
import { openDevice } from "@dictlearn/kernels/node";
import { topK } from "@dictlearn/sae";
import { analyse, evaluate, harvest, openDictionary, openModel, openTexts, RunDirectory, train } from "dictlearn";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { z } from "zod";
import { writeResults } from "./report.js";

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc");
const site = "layers.3.mlp_out";
const sentences = Array.from({ length: 40 }, (_, i) => `Sentence ${i} of our addresses to the nation ${"and its people ".repeat(i % 9)}.`);

/** All that a process of ours opens, once: everything must be gone behind it. */
async function round(n, folder) {
  const device = await openDevice({ backend: "cpu", threads: 2, engine: n % 2 ? "wasm" : "auto" });
  const [model, dictionary] = await Promise.all([openModel("demo", { device }), openDictionary("demo", { device })]);
  let rows = 0;
  for await (const { tokens } of analyse(model, dictionary, sentences, { site, pooling: "last", top: 3 })) rows += tokens > 0;
  if (rows !== sentences.length) throw new Error(`soak: expected ${sentences.length} rows, got ${rows}`);
  await evaluate(model, dictionary, openTexts("demo"), { site, tokens: 1024, contextLength: 64 });
  const training = train(harvest(model, openTexts("demo"), { site, rows: "packed", contextLength: 64 }), topK({ features: 384, k: 16, warmupSteps: 2 }), { tokens: 16 * 512, batchSize: 512, bufferTokens: 2048, seed: n });
  for await (const { loss } of training) if (!Number.isFinite(loss)) throw new Error(`soak: expected a finite loss, got ${loss}`);
  const directory = new RunDirectory(folder);
  await directory.writeState(await training.state(), {});
  await directory.writeDictionary(training.trainees[0], { normFactor: 1 });
  training.dispose();
  dictionary.dispose();
  await model.dispose();
  if (device.bytesInUse !== 0) throw new Error(`soak: expected an empty device, got ${device.bytesInUse} bytes in use`);
  device.dispose();
}

/** What a leak would raise. */
async function sample() {
  await new Promise((resolve) => setTimeout(resolve, 50)); // threads end
  gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { "MiB resident": rss / 2 ** 20, "MiB of heap": heapUsed / 2 ** 20, "MiB outside of it": external / 2 ** 20, "open files": readdirSync("/proc/self/fd").length, threads: Number(/Threads:\s+(\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) };
}

/** How much each may have grown: by a part, and beside it by a little that no leak over hundreds of rounds would keep to. */
const allowed = { "MiB resident": [1.1, 16], "MiB of heap": [1.05, 1], "MiB outside of it": [1.05, 1], "open files": [1, 0], threads: [1, 0] };

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const command = defineCommand({
  name: "test:soak",
  version: "0.0.0",
  summary: "Everything that the library opens, opened and closed again and again: nothing may grow",
  flags: z.object({
    minutes: z.number().positive().default(30).describe("how long").meta({ placeholder: "N" }),
    write: z.boolean().default(false).describe("keep the figures: faults/results and the table of docs/reliability.md"),
  }),
  async run({ minutes, write }) {
    const folder = mkdtempSync(join(tmpdir(), "soak-"));
    const started = Date.now();
    const samples = [];
    try {
      const bar = progress({ label: "soak", unit: "s", total: Math.round(60 * minutes) });
      while (Date.now() - started < 60_000 * minutes) {
        await round(samples.length, folder);
        samples.push(await sample());
        bar.update(Math.min(Math.round(60 * minutes), Math.round((Date.now() - started) / 1000)), `${samples.length} rounds`);
      }
      bar.stop();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
    const quarter = (q) => samples.slice(Math.floor((samples.length * q) / 4), Math.max(1, Math.floor((samples.length * (q + 1)) / 4)));
    let broke = 0;
    const counts = { rounds: samples.length };
    for (const [name, [factor, little]] of Object.entries(allowed)) {
      const [before, after] = [quarter(1), quarter(3)].map((part) => median(part.map((one) => one[name])));
      const grew = after > before * factor + little;
      if (grew) broke++;
      counts[`${name}, before ${before.toFixed(1)}, after`] = Number(after.toFixed(1));
      console.log(`${name}: ${before.toFixed(1)} in the second quarter, ${after.toFixed(1)} in the last${grew ? ": GREW" : ""}`);
    }
    if (write) await writeResults([{ name: "soak", promise: 6, asked: samples.length, done: samples.length, broke, counts, seconds: Math.round((Date.now() - started) / 1000) }]);
    if (broke) process.exitCode = 1;
  },
});

await runMain(command);
