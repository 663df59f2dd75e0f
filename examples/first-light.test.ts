import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("first-light.mjs names the three strongest features of each of its sentences", async () => {
  const script = fileURLToPath(new URL("first-light.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(3 * 5);
  for (let i = 0; i < lines.length; i += 5) {
    expect(lines[i + 1]).toMatch(/^ {2}[1-9]\d* of 1536 features are active; the strongest:$/);
    const weights = lines.slice(i + 2, i + 5).map((line) => Number(/^ {2}feature \d+: (\d+\.\d+)$/.exec(line)?.[1]));
    expect(weights).toEqual([...weights].sort((a, b) => b - a)); // NaN, were a line of another form, equals only itself in its place
    expect(weights.every((weight) => weight > 0)).toBe(true);
  }
});
