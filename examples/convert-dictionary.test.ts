import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

test("convert-dictionary.mjs writes the bundled dictionary for SAELens and opens that", async () => {
  const script = fileURLToPath(new URL("convert-dictionary.mjs", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script]);
  expect(stdout).toBe("dictionary-learning to saelens: AutoEncoder as standard\nD = 192, F = 1536\n");
});
