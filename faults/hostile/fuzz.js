import { Worker } from "node:worker_threads";

const hang = 20_000; // milliseconds, after which an input counts as one that never ends
const heap = 256; // MiB that a reader's thread has

/**
 * Gives a reader inputs in a thread of its own, and watches it from outside.
 * @param {string} name of readers.js
 * @param {{ from: number, inputs: number }} which inputs by their numbers; those that once did harm come before
 * @returns {Promise<{ tried: number, refused: number, slowestMs: number, mostBytes: number, faults: { number: number, fault: string, input?: string }[] }>}
 */
export async function fuzz(name, { from, inputs }) {
  const now = new BigInt64Array(new SharedArrayBuffer(16));
  const worker = new Worker(new URL("thread.js", import.meta.url), { workerData: { name, from, inputs, now }, resourceLimits: { maxOldGenerationSizeMb: heap, maxYoungGenerationSizeMb: 64 } });
  let watch;
  try {
    return await new Promise((resolve) => {
      const broken = (fault) => resolve({ tried: 0, refused: 0, slowestMs: 0, mostBytes: 0, faults: [{ number: Number(Atomics.load(now, 0)), fault }] });
      worker.once("message", resolve);
      worker.once("error", (error) => broken(`a thread that ended: ${error.stack ?? error}`));
      worker.once("exit", () => broken("a thread that ended"));
      watch = setInterval(() => {
        const since = Number(Atomics.load(now, 1));
        if (since > 0 && Date.now() - since > hang) broken(`no end within ${hang / 1000} s`);
      }, 500);
    });
  } finally {
    clearInterval(watch);
    await worker.terminate();
  }
}
