// node bench/report/docs.js [--check]: writes the tables of docs/*.md and the plots of docs/plots from bench/results, or says
// what differs from them.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readAll } from "../harness/results.js";
import { plots } from "./plots.js";
import { tables } from "./tables.js";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const plotsFolder = here("../../docs/plots");
const pages = ["benchmarks", "kernels", "hub"].map((name) => here(`../../docs/${name}.md`));

/** @returns [[path, text]] of every file that follows from the results */
function generated() {
  const results = readAll(here("../results"));
  const before = existsSync(here("../results/before")) ? readAll(here("../results/before")) : {};
  const made = tables(results, before);
  const text = (page) =>
    readFileSync(page, "utf8").replace(/<!-- bench:([\w-]+) -->[^]*?<!-- \/bench:\1 -->/g, (_, name) => `<!-- bench:${name} -->\n${made[name] ?? "Not measured yet."}\n<!-- /bench:${name} -->`);
  return [...pages.map((page) => [page, text(page)]), ...Object.entries(plots(results, before)).map(([name, plot]) => [join(plotsFolder, `${name}.svg`), plot])];
}

/** Writes what is not so yet, and removes plots that no result makes. */
export function writeDocs() {
  mkdirSync(plotsFolder, { recursive: true });
  for (const [path, text] of stale())
    if (text === undefined) rmSync(path);
    else writeFileSync(path, text);
}

/** [path, text] of what is other than the results make it; text is undefined where they make no such file. */
function stale() {
  const made = new Map(generated());
  for (const name of readdirSync(plotsFolder)) if (!made.has(join(plotsFolder, name))) made.set(join(plotsFolder, name), undefined);
  return [...made].filter(([path, text]) => text === undefined || !existsSync(path) || readFileSync(path, "utf8") !== text);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes("--check")) writeDocs();
  else
    for (const [path] of stale()) {
      console.error(`${path}: expected the tables and plots of bench/results, got others; run node bench/report/docs.js`);
      process.exitCode = 1;
    }
}
