// `dictlearn features` as a whole process: one pass over a corpus for every feature of a dictionary, tokens promoted, nearest
// features, and the site; then how fast a browser opens it, from disk.
import { CommandError } from "@dictlearn/command";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { realShapeFiles } from "../files/realShape.js";
import { wideDictionary } from "../files/wideDictionary.js";
import { about } from "../harness/machine.js";
import { sideOf } from "../harness/measure.js";
import { processOf } from "../harness/processOf.js";
import { summary } from "../harness/summary.js";
import { inTurns } from "../harness/turns.js";

export const title = "dictlearn features, the whole process";

const app = fileURLToPath(new URL("../../apps/cli/dist/main.cjs", import.meta.url));

export function rows({ quick, files }) {
  if (quick) return [row("demo", "the demo", { F: 1536, D: 192, tokens: 1024 }, { model: "demo", dictionary: "demo", texts: "demo" })];
  const folder = realShapeFiles(join(files, "real-shape"));
  const tokens = 100_000;
  return [
    row("demo F=32768", "the demo's model, 32,768 random features, TopK, k = 32", { F: 32_768, D: 192, tokens }, { model: "demo", dictionary: wideDictionary(join(files, "wide-dictionary"), { D: 192, F: 32_768 }), texts: "demo" }),
    row("pythia F=32768", "Pythia-70m's shape, 32,768 features, ReLU", { F: 32_768, D: 512, tokens }, { model: join(folder, "model"), dictionary: join(folder, "dictionary"), texts: join(folder, "texts.jsonl") }),
  ];
}

const row = (id, label, shape, { model, dictionary, texts }) => ({
  id, label, shape, targets: {}, warmup: 0, rounds: 1, // a turn is long
  ours: ["--model", model, "--dictionary", dictionary, "--dataset-name", texts, "--tokens", String(shape.tokens), "--ablate", "0", "--quiet"],
});

export async function measure(_, row, { device, threads, engines, rounds = row.rounds, quick }) {
  const out = mkdtempSync(join(tmpdir(), "bench-features-"));
  const us = engines.default ? "default" : "wasm"; // the app takes a native engine where one is installed
  const start = about();
  try {
    const args = ["--require", fileURLToPath(new URL("../harness/usageAtExit.cjs", import.meta.url)), app, "features", ...row.ours, "--device", device, "--threads", String(threads), "--out", out, "--force"];
    const taken = await inTurns({ [us]: () => processOf(process.execPath, args) }, { rounds, ...(quick ? { warmup: 0, pauseMs: 0 } : { warmup: row.warmup }) });
    const paths = readdirSync(out, { recursive: true }).map((name) => statSync(join(out, name))).filter((file) => file.isFile());
    const facts = { files: paths.length, siteMiB: Number((paths.reduce((sum, { size }) => sum + size, 0) / 2 ** 20).toPrecision(3)), ...(await opened(join(out, "index.html"), row.shape.F, quick ? 2 : 9)) };
    const side = sideOf({ taken: taken[us], label: `Node, ${device}`, peakMiB: Math.max(...taken[us].map(({ peakMiB }) => peakMiB)), facts });
    return { ...start, versions: { node: process.versions.node }, device, threads, rounds, label: row.label, shape: row.shape, targets: row.targets, sides: { [us]: side } };
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** Medians of ms in Chromium: from the address to the list, and from a list to a feature whose file was not loaded yet. Nothing where there is no Chromium. */
async function opened(page, F, times) {
  // oxlint-disable-next-line eslint/no-restricted-imports -- the Chromium of the tests; what is measured is not shipped here
  const { launchChromium } = await import("@dictlearn/testing");
  const browser = await launchChromium();
  if (typeof browser === "string") return {};
  try {
    const address = pathToFileURL(page).href;
    const tab = await browser.newPage();
    const until = async (holds) => {
      const start = performance.now();
      while (!(await tab.evaluate(`!!(${holds})`))) if (performance.now() - start > 60_000) throw new CommandError("IO", `features: expected ${holds} within a minute`);
      return performance.now() - start;
    };
    const [list, feature] = [[], []];
    for (let i = 0; i < times; i++) {
      await tab.goto("about:blank");
      const start = performance.now();
      await tab.goto(address);
      await until('document.querySelector("#rows tr")');
      list.push(performance.now() - start);
      const index = Math.floor(((i + 0.5) / times) * F);
      await tab.evaluate(`void (location.hash = "${index}")`);
      feature.push(await until(`document.getElementById("title")?.textContent === "Feature ${index}"`));
    }
    return { listMs: summary(list).median, featureMs: summary(feature).median };
  } finally {
    await browser.close();
  }
}

export function check({ label }, sides) {
  const [{ facts }] = Object.values(sides);
  if (!(facts.files > 3 && facts.siteMiB > 0)) throw new CommandError("IO", `features, ${label}: expected a site, got ${facts.files} files`);
}
