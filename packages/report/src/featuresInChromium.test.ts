import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { launchChromium } from "@dictlearn/testing";
import type { Browser } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { axeViolations } from "../test/browser.js";
import { featuresFile, FeaturesIndex, featuresOfFile, featuresPage, vocabularyFile } from "./html.js";
import { type FeatureDetail, type FeatureSet } from "./index.js";

const found = await launchChromium();
const missing = typeof found === "string" ? found : undefined;
const browser = found as Browser;
const folder = mkdtempSync(join(tmpdir(), "features-"));
afterAll(async () => {
  if (!missing) await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const hostile = "</script><script>throw new Error('it ran')</script><img src=http://127.0.0.1:9/x onerror=alert(1)>";
/** Token ids by what is to be shown of them. */
const vocabulary = ["the", " peace", " Peace", hostile, '"\'&amp;', "\u202eעברית", "👩‍🚀", "x".repeat(10_000), "\n", "\u0000", "", "\ufffd", " ", " ".repeat(24)];
const F = 700;
const set: FeatureSet = { model: hostile, dictionary: hostile, site: "layers.3.mlp_out", texts: hostile, F, D: 4, tokens: 10_000, rows: 100, contextLength: 128, skipFirst: 0, lens: "decoder row, through the final norm's weight and the unembedding" };

/** Feature f is active on f tokens and peaks on token f mod V; 0 never is. */
const details = Array.from({ length: F }, (_, index): FeatureDetail => {
  const token = index % vocabulary.length;
  const example = { row: index, position: 2, tokens: [0, 1, token, 2, token], values: [0, 0.5, index, 0, 0.25], peak: 2 };
  return {
    index, count: index, max: index, mean: index / 2,
    histogram: { width: 0.25, counts: index === 0 ? [] : [index, 0, 1] },
    examples: index === 0 ? [] : [{ ...example, ablation: { lossChange: 0.125, falls: [{ token, before: 0.5, after: 0.25 }], rises: [{ token: 0, before: 1e-9, after: 0.125 }] } }, example],
    samples: index === 0 ? [] : [example],
    promoted: [{ token: 1 + (index % 2), weight: 0.75 }, { token, weight: 0.5 }],
    suppressed: [{ token: 0, weight: -0.5 }],
    nearest: index === 0 ? [] : [{ index: index - 1, cosine: 0.5 }, { index: (index + 300) % F, cosine: 0.25 }],
  };
});

describe.skipIf(missing)(`in Chromium ${missing ?? ""}`, async () => {
  const page = missing ? undefined! : await browser.newPage();
  const said: string[] = [];
  const address = pathToFileURL(join(folder, "index.html")).href;
  const text = (selector: string) => page.evaluate(`document.querySelector(${JSON.stringify(selector)}).textContent`) as Promise<string>;
  const shown = () => page.evaluate(`[...document.querySelectorAll("#rows th")].map((cell) => Number(cell.textContent))`) as Promise<number[]>;
  /** (Playwright's own way evaluates text in the page, which the page's policy refuses.) */
  const until = (holds: string) => expect.poll(() => page.evaluate(`!!(${holds})`), { timeout: 10_000, interval: 10 }).toBe(true);
  const feature = async (index: number) => {
    await page.goto(`${address}#${index}`);
    await until(`document.getElementById("title")?.textContent === "Feature ${index}" && !document.getElementById("feature").hidden`);
  };
  const list = async () => {
    await page.goto(`${address}#`);
    await until(`document.querySelector("#rows tr") && !document.getElementById("list").hidden`);
  };
  if (!missing) {
    mkdirSync(join(folder, "data"));
    const index = new FeaturesIndex(set);
    for (let start = 0; start < F; start += featuresOfFile) {
      const some = details.slice(start, start + featuresOfFile);
      index.add(some);
      writeFileSync(join(folder, "data", `${start / featuresOfFile}.js`), featuresFile(some));
    }
    writeFileSync(join(folder, "data/index.js"), index.file());
    writeFileSync(join(folder, "data/vocabulary.js"), vocabularyFile(vocabulary));
    writeFileSync(join(folder, "index.html"), featuresPage(set, details.map(({ count }) => count)));
    page.on("console", (message) => said.push(message.text()));
    page.on("pageerror", (error) => said.push(error.message));
    page.on("request", (request) => said.push(request.url()));
    await page.goto(address);
    await page.waitForSelector("#rows tr");
  }

  test("it opens from disk: only its own files are loaded, and the console is silent", async () => {
    await feature(3); // its token is a script
    expect(await text("#feature .text")).toBe(`the peace${hostile} Peace${hostile}`);
    expect(said.filter((line) => !/^(file:.*\/(index\.html(#\d+)?|data\/(index|vocabulary|0)\.js)|data:,)$/.test(line))).toEqual([]);
    expect(await page.evaluate("document.scripts.length")).toBe(2); // its data and its own: those of files are gone again
    await list();
    expect(await text("header")).toContain(hostile);
  });

  test.each(["light", "dark"] as const)("axe finds nothing to mend, in the list and at a feature (%s)", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    for (const open of [list, () => feature(697)]) {
      await open();
      expect(await axeViolations(page, colorScheme === "dark" ? { runOnly: ["color-contrast"] } : {})).toEqual([]); // what a scheme can change
    }
  });

  test("tokens appear as text, what can't be seen by a sign", async () => {
    const seen = async (index: number) => {
      await feature(index);
      return text("#feature .text mark.peak");
    };
    for (const [token, sign] of [[4, vocabulary[4]], [5, "\\u202eעברית"], [6, "👩\\u200d🚀"], [7, vocabulary[7]], [8, "⏎"], [9, "\\u0000"], [11, "\ufffd"]] as const) expect(await seen(token + vocabulary.length)).toBe(sign);
    await feature(13 + vocabulary.length);
    expect(await page.evaluate(`[...document.querySelectorAll(".tokens code")].map((code) => code.textContent)`)).toContain("␣ × 24");
    expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth")).toBe(true);
  });

  test("a number opens its feature; text finds features by their tokens, in any case; density narrows", async () => {
    await list();
    await page.fill("#query", "351");
    await page.keyboard.press("Enter");
    await until(`document.getElementById("title")?.textContent === "Feature 351"`);
    await list();
    await page.fill("#query", " PEACE");
    await page.selectOption("#where", "peaks");
    const onPeace = details.filter(({ index }) => index > 0 && [1, 2].includes(index % vocabulary.length)).map(({ index }) => index);
    expect(await shown()).toEqual(onPeace.slice(0, 100));
    expect(await text("#found")).toBe(`${onPeace.length} of 700 features`);
    await page.selectOption("#density", "-2"); // 1% to 10%: more than 100 of 10,000
    expect(await shown()).toEqual(onPeace.filter((index) => index > 100));
    await page.selectOption("#density", "never");
    await page.fill("#query", "");
    expect(await shown()).toEqual([0]);
    await page.fill("#query", "no such token");
    expect(await text("#found")).toBe("No feature is like that.");
    await page.fill("#query", "");
    await page.selectOption("#where", "both");
    await page.selectOption("#density", "any");
  });

  test("headers sort, from the top first, and say so; pages turn by buttons and keys", async () => {
    await list();
    const sorted = () => page.evaluate(`[...document.querySelectorAll("th[aria-sort]")].map((th) => th.textContent + " " + th.ariaSort)`);
    expect(await sorted()).toEqual(["Feature ascending"]);
    await page.click("th button[data-key=max]");
    expect([(await shown()).slice(0, 2), await sorted()]).toEqual([[699, 698], ["Largest descending"]]);
    await page.click("th button[data-key=max]");
    expect([(await shown()).slice(0, 2), await sorted()]).toEqual([[0, 1], ["Largest ascending"]]);
    await page.click("#on");
    expect([(await shown())[0], await text("#page")]).toEqual([100, "101 to 200 of 700"]);
    await page.keyboard.press("n");
    expect((await shown())[0]).toBe(200);
    await page.keyboard.press("p");
    await page.click("#back");
    expect([(await shown())[0], await page.isDisabled("#back")]).toEqual([0, true]);
  });

  test("keys go from feature to feature over files, to the search, and back to the line that one came from", async () => {
    await list();
    await page.focus('#rows a[href="#5"]');
    await page.keyboard.press("Enter");
    await until(`document.getElementById("title")?.textContent === "Feature 5"`);
    await feature(255);
    await page.keyboard.press("n");
    await until(`document.getElementById("title")?.textContent === "Feature 256"`);
    expect([await page.title(), await page.evaluate("document.activeElement.id")]).toEqual(["Feature 256 · Features at layers.3.mlp_out", "title"]);
    await page.keyboard.press("p");
    await until(`document.getElementById("title")?.textContent === "Feature 255"`);
    await page.click('#feature a[href="#555"]');
    await until(`document.getElementById("title")?.textContent === "Feature 555"`);
    await page.goBack();
    await until(`document.getElementById("title")?.textContent === "Feature 255"`);
    await feature(5);
    await page.keyboard.press("Escape");
    await until(`document.activeElement.getAttribute("href") === "#5"`);
    await page.keyboard.press("/");
    await until(`document.activeElement.id === "query"`);
  });

  test("an example is one stop of the Tab key; arrows go through its active tokens, and say how active; a pointer shows it too", async () => {
    await feature(697);
    await page.focus("#feature .text");
    const said = [];
    for (const key of ["ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "ArrowLeft"]) {
      await page.keyboard.press(key);
      said.push(await text("#feature [role=status]"));
    }
    expect(said).toEqual(["peace: 0.5", `${vocabulary[697 % 14]}: 697`, `${vocabulary[697 % 14]}: 0.25`, `${vocabulary[697 % 14]}: 0.25`, `${vocabulary[697 % 14]}: 697`].map((line) => line.replace(/^\n/, "⏎")));
    await page.hover("#feature mark");
    expect(await page.evaluate(`getComputedStyle(document.querySelector("#feature mark"), "::after").content`)).toBe('"0.5"');
    expect(await page.evaluate(`document.querySelectorAll("#feature .text [tabindex='0']").length`)).toBe(0);
  });

  test("a feature that never fires says so; one that does not exist, and a file that is missing, too", async () => {
    await feature(0);
    expect(await text("#feature")).toContain("active on none of the tokens");
    await page.goto(`${address}#700`);
    await until(`document.querySelector("#feature [role=alert]")?.textContent === "feature: expected one of 0 to 699, got 700"`);
    rmSync(join(folder, "data/2.js"));
    await page.goto("about:blank");
    await page.goto(`${address}#600`);
    await until(`document.querySelector("#feature [role=alert]")?.textContent.startsWith("data/2.js: expected it beside this page")`);
  });

  test("on a narrow screen neither view scrolls sideways", async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    for (const open of [list, () => feature(7 + vocabulary.length)]) {
      await open();
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
    }
  });
});
