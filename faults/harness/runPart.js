import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openRandom } from "./random.js";

const enough = 20; // failures, after which more of them say nothing new

/**
 * Runs cases of a part until all are done or time is up.
 * @param options.numbers which cases (default: all)
 * @param options.until no case begins after this time, in milliseconds of Date.now()
 * @returns { asked, done, counts, failures: [{ number, error }], seconds }
 */
export async function runPart(part, { seed, numbers, until = Infinity, onFailure = () => {}, onCase = () => {} }) {
  const folder = await mkdtemp(join(tmpdir(), `faults-${part.name}-`));
  const began = performance.now();
  const result = { asked: 0, done: 0, counts: {}, failures: [] };
  const opened = await part.open({ folder });
  const left = numbers ? [...numbers] : Array.from({ length: opened.cases }, (_, n) => n);
  result.asked = left.length;
  const lane = async () => {
    while (left.length > 0 && Date.now() < until && result.failures.length < enough) {
      const number = left.shift();
      try {
        const counts = await opened.one(number, openRandom(seed, part.name, number));
        for (const [what, n] of Object.entries(counts)) result.counts[what] = (result.counts[what] ?? 0) + n;
      } catch (error) {
        result.failures.push({ number, error });
        onFailure(number, error);
      }
      onCase(++result.done, result.asked);
    }
  };
  try {
    await Promise.all(Array.from({ length: part.lanes ?? 1 }, lane));
  } finally {
    await opened.close?.();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  }
  return { ...result, seconds: (performance.now() - began) / 1000 };
}
