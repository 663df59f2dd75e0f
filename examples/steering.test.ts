import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("steering.mjs", import.meta.url));

/** The three texts: as it is, with the feature, without its direction. */
async function texts(strength: number, seed: number): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, `${strength}`, `${seed}`]);
  const [found, , names, , ...lines] = stdout.trimEnd().split("\n");
  expect(found).toMatch(/^feature \d+ is at \d+\.\d\d behind "The cost of the war was \$"$/);
  expect(names.split(" | ").map((name) => name.trim())).toEqual(["as it is", `+ ${strength} × the feature`, "without its direction"]);
  return [0, 1, 2].map((column) => lines.map((line) => (line.split(" | ")[column] ?? "").trim()).join(" ").trim());
}

test("steering.mjs: a feature added or taken away changes what is written, none of it does not, and a seed repeats", async () => {
  const [first, again, none, other] = await Promise.all([texts(8, 1), texts(8, 1), texts(0, 1), texts(8, 2)]);
  expect(new Set(first).size).toBe(3);
  for (const text of first) expect(text).toMatch(/^The cost of the war was /);
  expect(again).toEqual(first);
  expect(none).toEqual([first[0], first[0], first[2]]);
  expect(other[0]).not.toBe(first[0]);
});
