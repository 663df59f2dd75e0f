import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { launchChromium } from "@dictlearn/testing";
import { axeViolations, contrast, listen } from "../test/browser.js";
import { runPage, type TrainerReport } from "./html.js";

const found = await launchChromium();
const missing = typeof found === "string" ? found : undefined;
const browser = found as Browser;
const folder = mkdtempSync(join(tmpdir(), "page-"));
afterAll(async () => {
  if (!missing) await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const hostile = "</title><script>throw new Error('it ran')</script><img src=http://127.0.0.1:9/x>";
const trainers = [0, 1, 2].map((index): TrainerReport => ({
  name: index === 2 ? hostile : "topk:k=32",
  site: `layers.${index % 2}.mlp_out`,
  index,
  parameters: { k: 32, lm_name: hostile },
  metrics: Array.from({ length: index === 0 ? 2000 : 20 }, (_, i) => ({ step: i + 1, tokens: 256 * (i + 1), loss: 1 / (i + 1), l2_loss: 0.5, l0: 32, frac_variance_explained: 1 - 1 / (i + 1), lr: i === 5 ? null : 3e-4, dead_features: i })),
  evaluation: { l0: 2 ** index, frac_recovered: 0.9 + index / 100, feature_density: { tokens: 1000, silent: 4, log10: [-0.75, -0.5, -0.25], features: [3, 0, 9] } },
}));

describe.skipIf(missing)(`in Chromium ${missing ?? ""}`, async () => {
  const page = missing ? undefined! : await browser.newPage();
  const said = missing ? [] : listen(page);
  if (!missing) {
    const path = join(folder, "report.html");
    writeFileSync(path, runPage({ name: hostile, written: "today", state: "done", step: 20, steps: 20, tokens: 5120, parameters: { save_dir: hostile }, trainers }));
    await page.goto(pathToFileURL(path).href);
  }

  test("it opens from disk: nothing is fetched, nothing runs, the console is silent", async () => {
    expect(said.filter((line) => !/^(file:.*report\.html|data:,)$/.test(line))).toEqual([]);
    expect(await page.title()).toBe(`Training run ${hostile}`);
  });

  test.each(["light", "dark"] as const)("axe finds nothing to mend (%s)", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    expect(await axeViolations(page)).toEqual([]);
  });

  test.each(["light", "dark"] as const)("text stands 4.5 to 1 before the page, and lines 3 to 1 (%s)", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const names = ["page", "ink", "quiet", "link", ...[1, 2, 3, 4, 5, 6].map((i) => `series-${i}`)];
    const colours = (await page.evaluate(`${JSON.stringify(names)}.map((name) => { document.body.style.outlineColor = "var(--" + name + ")"; return getComputedStyle(document.body).outlineColor; })`)) as string[];
    const [behind, ...before] = colours;
    before.forEach((colour, i) => expect(contrast(colour, behind), names[i + 1]).toBeGreaterThan(i < 3 ? 4.5 : 3));
  });

  test("the keyboard goes through links, wide tables and folded numbers", async () => {
    const reached = new Set<string>();
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      reached.add((await page.evaluate("document.activeElement.tagName")) as string);
    }
    expect([...reached]).toEqual(expect.arrayContaining(["A", "DIV", "SUMMARY"]));
  });

  test("on a narrow screen the page itself does not scroll sideways", async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  });
});
