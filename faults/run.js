// pnpm test:faults [options]; see --help
import { defineCommand, progress, runMain } from "@dictlearn/command";
import { inspect } from "node:util";
import { z } from "zod";
import { runPart } from "./harness/runPart.js";
import { resultOf, tableOf } from "./harness/table.js";
import { parts } from "./parts.js";
import { writeResults } from "./report.js";

const command = defineCommand({
  name: "test:faults",
  version: "0.0.0",
  summary: "Tries to break what docs/reliability.md promises. Ends with a table, and with exit code 1 if anything broke.",
  flags: z.object({
    only: z.array(z.enum(parts.map(({ name }) => name))).optional().describe("one part; repeat it for several (default: all)"),
    seed: z.int().min(0).optional().describe("what all choices follow from (default: another each time)").meta({ placeholder: "N" }),
    case: z.array(z.int().min(0)).optional().describe("only this case, as a failure names it").meta({ placeholder: "N" }),
    minutes: z.number().positive().default(10).describe("the most that all parts take together").meta({ placeholder: "N" }),
    write: z.boolean().default(false).describe("keep the figures: faults/results and the table of docs/reliability.md"),
  }),
  examples: ["pnpm test:faults", "pnpm test:faults --only kills --seed 7 --case 17", "pnpm test:faults --write"],
  async run({ only, seed = Date.now() % 2 ** 31, case: numbers, minutes, write }) {
    const chosen = parts.filter(({ name }) => !only || only.includes(name));
    const share = minutes / chosen.reduce((sum, part) => sum + part.minutes, 0); // a part alone may take all, and ends when its cases do
    console.log(`seed ${seed}`);
    const results = [];
    for (const part of chosen) {
      const bar = progress({ label: part.name, unit: "cases" });
      const result = await runPart(part, {
        seed,
        numbers,
        until: Date.now() + 60_000 * share * part.minutes,
        onCase: (done, total) => bar.update(done, "", { total }),
        onFailure: (number, error) => console.error(`${part.name} ${number} BROKE (again: pnpm test:faults --only ${part.name} --seed ${seed} --case ${number}): ${inspect(error)}`),
      });
      bar.stop();
      results.push(resultOf(part, result, seed));
    }
    console.log(tableOf(results));
    if (write) await writeResults(results);
    if (results.some(({ broke }) => broke > 0)) process.exitCode = 1;
  },
});

await runMain(command);
