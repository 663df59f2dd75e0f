// Our side alone: one thread against two, and one training from its first ten thousand tokens to its millionth.
import { CommandError } from "@dictlearn/command";
import { topK } from "@dictlearn/sae";
import { harvest, openModel, openTexts, train } from "dictlearn";
import { openDevice } from "../harness/openDevice.js";
import * as harvestCase from "./harvest.js";
import * as stepCase from "./step.js";

export const title = "Scaling";

const cases = { harvest: harvestCase, step: stepCase };

export function rows(options) {
  const threads = (of, row) => ({
    id: `threads ${of}`,
    label: `${of}: ${row.label}, on two threads against one`,
    shape: row.shape,
    unit: row.unit,
    base: "1 thread",
    targets: { "2 threads": [1.7] },
    warmup: row.warmup,
    repeat: row.repeat,
    sides: { "1 thread": { ...row.ours, of, threads: 1 }, "2 threads": { ...row.ours, of, threads: 2 } },
  });
  const [step] = stepCase.rows(options).slice(1);
  const [rows] = harvestCase.rows(options);
  const marks = options.quick ? [2048, 4096, 8192] : [10_240, 20_480, 51_200, 102_400, 204_800, 512_000, 1_024_000];
  const cpu = [threads("step", step), threads("harvest", rows)];
  const long = { id: "tokens", label: "the demo's model, TopK, F = 1,536, as the run goes on", shape: { D: 192, F: 1536, k: 32, marks }, unit: "token", targets: { flatTime: 1.2, flatMemory: 1.1 }, warmup: 0, rounds: 1, sides: { ours: { of: "tokens", marks } } };
  return [...(options.device === "cpu" ? cpu : []), long];
}

export async function open({ of, ...params }) {
  return of === "tokens" ? openTokens(params) : cases[of].open(params);
}

/** One run through all marks; at each what a token took since the one before, and the memory then. */
async function openTokens({ marks, ...where }) {
  const device = await openDevice(where);
  const model = await openModel("demo", { device, site: harvestCase.site.name });
  const passed = [];
  return {
    label: device.label,
    async turn() {
      const [B, tokens] = [1024, marks.at(-1)];
      const training = train(harvest(model, openTexts("demo"), { site: harvestCase.site.name, rows: "packed" }), topK({ features: 1536, k: 32 }), { tokens, batchSize: B, bufferTokens: 4 * B });
      let [before, since] = [0, 0];
      for await (const step of training) {
        if (before === 0) [before, since] = [step.tokens, performance.now()]; // the buffer is full
        if (step.tokens !== marks[passed.length]) continue;
        await device.idle();
        const now = performance.now();
        passed.push({ tokens: step.tokens, secondsPerToken: (now - since) / 1e3 / (step.tokens - before), residentMiB: Math.round(process.memoryUsage().rss / 2 ** 20), deviceMiB: device.bytesInUse / 2 ** 20 });
        [before, since] = [step.tokens, now];
      }
      training.dispose();
      return tokens;
    },
    facts: () => ({ marks: passed }),
  };
}

export function check({ id, label, shape: { marks } }, sides) {
  if (id !== "tokens") return;
  const got = sides.ours.facts.marks.map(({ tokens }) => tokens);
  if (String(got) !== String(marks)) throw new CommandError("IO", `scaling, ${label}: expected marks at ${marks} tokens, got ${got}`);
}
