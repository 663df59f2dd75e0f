import { Worker } from "node:worker_threads";

const hang = 20_000; // milliseconds, after which an input counts as one that never ends
const heap = 512; // MiB that a reader's thread has

/**
 * Reads inputs of one reader in a thread of its own, and watches it from outside.
 * @param {string} name
 * @param {{ numbers?: readonly number[], from?: number, to?: number }} which inputs: a list, or from..to
 * @returns {Promise<{ tried: number, refused: number, slowestMs: number, mostBytes: number, seconds: number, faults: { number: number, fault: string }[] }>}
 */
export async function fuzz(name, { numbers, from = 0, to = 0 }) {
  const began = performance.now();
  const now = new BigInt64Array(new SharedArrayBuffer(16));
  const worker = new Worker(new URL("./thread.js", import.meta.url), { workerData: { name, numbers, from, to, now }, resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: 64 } });
  const broken = (fault) => ({ tried: Math.max(0, Number(now[0]) - from), refused: 0, slowestMs: 0, mostBytes: 0, faults: [{ number: Number(now[0]), fault }] });
  let watch;
  const found = await new Promise((resolve) => {
    worker.once("message", resolve);
    worker.once("error", (error) => resolve(broken(`a thread that ended: ${error.stack ?? error}`)));
    worker.once("exit", () => resolve(broken("a thread that ended")));
    watch = setInterval(() => {
      const since = Number(Atomics.load(now, 1));
      if (since > 0 && Date.now() - since > hang) resolve(broken(`no end within ${hang / 1000} s`));
    }, 500);
  });
  clearInterval(watch);
  await worker.terminate();
  return { ...found, seconds: (performance.now() - began) / 1000 };
}
