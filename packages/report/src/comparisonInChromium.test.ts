import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { launchChromium } from "@dictlearn/testing";
import { axeViolations, listen } from "../test/browser.js";
import { comparisonPage } from "./html.js";
import { sparseStatistics, statistics, type Reading } from "./index.js";

const found = await launchChromium();
const missing = typeof found === "string" ? found : undefined;
const browser = found as Browser;
const folder = mkdtempSync(join(tmpdir(), "comparison-"));
afterAll(async () => {
  if (!missing) await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const hostile = "</title><script>throw new Error('it ran')</script><img src=http://127.0.0.1:9/x>\"'";
const sentences = [hostile, "שלום עולם، مرحبا", "👩‍👩‍👧 emoji", "x".repeat(10_000), "Plain."];
const readings = ["embed", "layers.0.resid_post", "layers.0.mlp_out", "layers.7.resid_post", "final_norm"].map((site, i): Reading => ({
  model: hostile, dictionary: i === 2 ? hostile : `run/${site}/trainer_0`, site, pooling: "mean", device: "cpu", D: 8, F: 64,
  metrics: i === 4 ? null : { tokens: 100, l0: 3 * i, frac_variance_explained: 0.9 - i / 10, cossim: 0.9 },
  sentences: sentences.map((sentence, s) => {
    const activation = Float32Array.from({ length: 8 }, (_, d) => Math.sin(d + s + i));
    const features = { index: Uint32Array.from([1, 2, 30]), values: Float32Array.from([s + 1, 0.5, 2]) };
    return { sentence, tokens: 3, original: statistics(activation), sparse: sparseStatistics(features, 64), top: [], activation, features, perToken: [], metrics: null };
  }),
}));

describe.skipIf(missing)(`a comparison in Chromium ${missing ?? ""}`, async () => {
  const page = missing ? undefined! : await browser.newPage();
  const said = missing ? [] : listen(page);
  if (!missing) {
    const path = join(folder, "comparison.html");
    writeFileSync(path, comparisonPage(readings, { written: "today" }));
    await page.goto(pathToFileURL(path).href);
  }

  test("opens from disk: nothing is fetched, nothing runs, the console is silent, and what is hostile is text", async () => {
    expect(said.filter((line) => !/^(file:.*comparison\.html|data:,)$/.test(line))).toEqual([]);
    expect(await page.title()).toBe(`Readings of ${hostile} compared`);
    expect(await page.locator("section.sentence h3 bdi").first().textContent()).toBe(hostile);
    expect(await page.evaluate("getComputedStyle(document.querySelectorAll('section.sentence h3 bdi')[1]).direction")).toBe("rtl");
  });

  test.each(["light", "dark"] as const)("axe finds nothing to mend (%s)", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    expect(await axeViolations(page)).toEqual([]);
  });

  test("a bar is as long on the screen as its weight is beside the strongest", async () => {
    const widths = (await page.evaluate("[...document.querySelectorAll('section.sentence:nth-of-type(5) tbody tr:first-child li')].map((item) => item.querySelector('.bar').getBoundingClientRect().width / item.getBoundingClientRect().width)")) as number[];
    expect(widths.map((width) => Math.round(100 * width))).toEqual([100, 40, 10]); // 5, 2, 0.5
  });

  test("the keyboard goes through links, wide tables and folded numbers; a narrow screen does not scroll sideways", async () => {
    const reached = new Set<string>();
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press("Tab");
      reached.add((await page.evaluate("document.activeElement.tagName")) as string);
    }
    expect([...reached]).toEqual(expect.arrayContaining(["A", "DIV", "SUMMARY"]));
    await page.setViewportSize({ width: 360, height: 640 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  });
});
