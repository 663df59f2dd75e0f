// The figures of a whole run, kept in faults/results and shown in docs/reliability.md.
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { about } from "../bench/harness/machine.js";
import { tableOf } from "./harness/table.js";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const [file, page] = [here("results/faults.json"), here("../docs/reliability.md")];

/** Parts that did not run stay as they were. */
export async function writeResults(results) {
  const before = JSON.parse(await readFile(file, "utf8").catch(() => "{}"));
  const { load: _, ...machine } = about();
  const now = Object.fromEntries(results.map((result) => [result.name, { ...result, ...machine, versions: { node: process.versions.node } }]));
  const all = { ...before, ...now };
  await writeFile(file, `${JSON.stringify(all, null, 2)}\n`);
  await writeFile(page, pageWith(await readFile(page, "utf8"), all));
}

/** The page with its table made from the results. */
export function pageWith(text, all) {
  const results = Object.values(all).sort((a, b) => a.promise - b.promise);
  const machines = [...new Set(results.map(({ machine, versions, commit, date }) => `${machine}; node ${versions.node}; commit ${commit}; ${date.slice(0, 10)}`))];
  const made = results.length === 0 ? "Not run yet." : `${tableOf(results)}\n\n<sub>${machines.join(". ")}.</sub>`;
  return text.replace(/<!-- faults -->[^]*?<!-- \/faults -->/, `<!-- faults -->\n${made}\n<!-- /faults -->`);
}
