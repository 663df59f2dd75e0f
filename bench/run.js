// pnpm -s bench [CASE…] [options]; see --help
import { defineCommand, resolvePath, runMain } from "@dictlearn/command";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { devicesHere, enginesHere } from "./harness/here.js";
import { lineOf, profileLines } from "./harness/lines.js";
import { measure } from "./harness/measure.js";
import { openOurs } from "./harness/openSide.js";
import { readAll, readResults, writeResult } from "./harness/results.js";
import { writeDocs } from "./report/docs.js";
import { targetLines, targetTable } from "./report/targets.js";
import { about } from "./harness/machine.js";

const unasked = ["kernels", "step", "harvest", "train", "sparse-rep", "features", "load", "scaling"];
const cases = [...unasked, "parity"];
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const command = defineCommand({
  name: "bench",
  version: "0.0.0",
  summary: "Our side and, with --python, PyTorch's, in turns; writes bench/results and prints what was found",
  positional: z.object({ cases: z.array(z.enum(cases)).optional().describe(`which, of ${cases.join(", ")} (default: all but parity)`) }),
  flags: z.object({
    python: z.string().optional().describe("an interpreter with torch, transformers and dictionary-learning (bench/harness/side.py says how to get it)").meta({ placeholder: "PATH" }),
    only: z.array(z.string()).default([]).describe("only rows whose names contain this text, or one of several").meta({ placeholder: "TEXT" }),
    rounds: z.int().min(1).optional().describe("how often each side has its turn, after those that warm up (default: 5; 1 to 3 where a turn is long)").meta({ placeholder: "N" }),
    threads: z.int().min(1).default(2).describe("of each side").meta({ placeholder: "N" }),
    device: z.array(z.enum(["cpu", "webgpu"])).optional().describe("where (default: cpu, and webgpu where there is a GPU)"),
    quick: z.boolean().default(false).describe("small shapes, to see that everything works; the times mean nothing"),
    resume: z.boolean().default(false).describe("leave out rows that were measured at this commit"),
    tokens: z.int().min(2048).default(200_000).describe("of a run of train").meta({ placeholder: "N" }),
    seeds: z.int().min(1).default(3).describe("of parity").meta({ placeholder: "N" }),
    steps: z.int().min(10).default(1000).describe("of parity's runs").meta({ placeholder: "N" }),
    profile: z.boolean().default(false).describe("print where the time goes, op by op, beside a roofline"),
    results: z.string().optional().describe("where results go (default: bench/results; with --quick a temporary folder)").meta({ placeholder: "DIR" }),
    files: z.string().default(join(tmpdir(), "dictlearn-bench")).describe("where models and texts are made").meta({ placeholder: "DIR" }),
  }),
  examples: ["pnpm -s bench --python ~/venv/bin/python", "pnpm -s bench step --only topK --rounds 3 --python ~/venv/bin/python", "pnpm -s bench harvest --profile"],
  async run(given, { positional }) {
    const results = given.results ? resolvePath(given.results) : given.quick ? join(given.files, "quick-results") : here("results");
    const sides = given.quick ? sharedSides() : { openOurs, close: () => {} };
    const where = { ...given, openOurs: sides.openOurs, engines: await enginesHere(), python: given.python?.includes("/") ? resolvePath(given.python) : given.python };
    const { commit } = about();
    try {
      for (const name of positional.cases?.length ? positional.cases : unasked) {
        const { rows, check, measure: own = measure, lineOf: line = lineOf } = await import(`./cases/${name}.js`);
        for (const device of given.device ?? (await devicesHere()))
          for (const row of await rows({ ...given, device })) {
            if (device !== "cpu") row.targets = {}; // those are for the cpu
            const id = device === "cpu" ? row.id : `${row.id} ${device}`;
            if (given.only.length > 0 && !given.only.some((text) => id.includes(text))) continue;
            if (given.resume && readResults(results, name)[id]?.commit === commit) continue;
            const result = await own(name, row, { ...where, device });
            check?.(row, result.sides, result);
            writeResult(results, name, id, result);
            console.log([line(name, result), ...(given.profile ? profileLines(result) : [])].join("\n    "));
          }
      }
    } finally {
      await sides.close();
    }
    if (given.quick) return;
    console.log(`\n${targetTable(targetLines(readAll(results)))}`);
    if (results === here("results")) writeDocs();
  },
});

/** Processes that serve one row after another, each by its side's name: memory then counts what came before. */
function sharedSides() {
  const kept = new Map();
  return {
    openOurs(as) {
      if (!kept.has(as)) kept.set(as, openOurs());
      return { ...kept.get(as), close: () => {} };
    },
    close: () => Promise.all([...kept.values()].map((side) => side.close())),
  };
}

await runMain(command);
