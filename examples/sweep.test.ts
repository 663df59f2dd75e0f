import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("sweep.mjs: L0 is k, and more features a token keep more", async () => {
  const script = fileURLToPath(new URL("sweep.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script, "20480", "8"]);
  const rows = stdout.trimEnd().split("\n").slice(1).map((line) => line.trim().split(/\s+/));
  expect(rows.map(([k]) => Number(k))).toEqual([4, 8, 16, 32, 64]);
  const [explained, recovered] = [2, 3].map((column) => rows.map((row) => Number.parseFloat(row[column])));
  for (const [i, [k, l0]] of rows.entries()) {
    expect(Number(l0)).toBeLessThanOrEqual(Number(k));
    expect(Number(l0)).toBeGreaterThan(0.95 * Number(k)); // less where a row has fewer above 0
    if (i > 0) expect(explained[i]).toBeGreaterThan(explained[i - 1]);
    if (i > 0) expect(recovered[i]).toBeGreaterThan(recovered[i - 1] - 3); // percent: 8 speeches are a small sample
    expect(rows[i][4]).toHaveLength(Math.round(recovered[i] / 2));
  }
  expect(recovered[4]).toBeGreaterThan(recovered[0] + 5);
});
