import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("custom-dictionary.mjs learns: its loss falls and FVE rises at 24 features a token", async () => {
  const script = fileURLToPath(new URL("custom-dictionary.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, "40960"]);
  const lines = stdout.trimEnd().split("\n");
  const read = lines.slice(0, -1).map((line) => /^(\d+) tokens: loss (\S+), L0 (\S+), FVE (\S+)$/.exec(line)!.slice(1).map(Number));
  expect(read.map(([tokens]) => tokens)).toEqual([20480, 40960]);
  for (const [i, [, loss, l0, explained]] of read.entries()) {
    expect(l0).toBeCloseTo(24, 0); // fewer only where a row has fewer above 0
    if (i === 0) continue;
    expect(loss).toBeLessThan(read[i - 1][1]);
    expect(explained).toBeGreaterThan(read[i - 1][3]);
  }
  expect(read.at(-1)![3]).toBeGreaterThan(0.5);
  // Zeros would keep 0%, the activations themselves 100%.
  const kept = Number(/keeps (\S+)% of what the layer does/.exec(lines.at(-1)!)?.[1]);
  expect(kept).toBeGreaterThan(40);
  expect(kept).toBeLessThan(100);
});
