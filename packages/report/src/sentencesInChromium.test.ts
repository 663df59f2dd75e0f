import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import { launchChromium } from "@dictlearn/testing";
import { axeViolations, contrast, listen } from "../test/browser.js";
import { seededReading } from "../test/reading.js";
import { sentencesPage } from "./html.js";
import { type Reading } from "./index.js";

const found = await launchChromium();
const missing = typeof found === "string" ? found : undefined;
const browser = found as Browser;
const folder = mkdtempSync(join(tmpdir(), "sentences-"));
afterAll(async () => {
  if (!missing) await browser.close();
  rmSync(folder, { recursive: true, force: true });
});

const texts = [
  `<script>throw new Error("it ran")</script>`,
  `</script><img src=http://127.0.0.1:9/x onerror="document.title='it ran'">"'&amp;`,
  "שלום לכולם, זה משפט",
  "👩‍👩‍👧 café 日本語",
  "nul\0 bell\u0007 over\u202eride\nline",
  "ten thousand characters ".repeat(417),
  "",
];
const reading = seededReading(1, { sentences: 12, l0: 8, texts });
const tokens = reading.sentences.flatMap(({ perToken }) => perToken);
/** A feature that some tokens have and others don't, here of either sign. */
const feature = 3;
for (const { id, features: { index, values } } of tokens) for (let k = 0; k < index.length; k++) if (index[k] === feature && id % 3 === 0) (values as Float32Array)[k] *= -1;
const strongest = (token: (typeof tokens)[number]) => Array.from(token.features.index, (feature, k) => ({ feature, value: token.features.values[k] })).sort((a, b) => b.value - a.value);
const valueOf = (token: (typeof tokens)[number], feature: number) => strongest(token).find((one) => one.feature === feature)?.value ?? 0;

describe.skipIf(missing)(`in Chromium ${missing ?? ""}`, async () => {
  const page = missing ? undefined! : await browser.newPage();
  const said = missing ? [] : listen(page);
  const open = async (reading: Reading) => {
    const path = join(folder, "report.html");
    writeFileSync(path, sentencesPage(reading, { written: "today" }));
    await page.goto(pathToFileURL(path).href);
  };
  if (!missing) {
    await page.emulateMedia({ reducedMotion: "reduce" });
    await open(reading);
  }
  const ask = <T>(script: string) => page.evaluate(script) as Promise<T>;
  /** How strongly tokens are shaded, 0 to 1. */
  const shades = () => ask<number[]>(`[...document.querySelectorAll(".tokens span")].map((token) => Number(token.style.getPropertyValue("--a")))`);
  const panel = () => ask<{ name: string; features: [string, number][] }>(`({ name: document.querySelector(".token-name").textContent, features: [...document.querySelectorAll(".token-features button")].map((button) => [button.dataset.feature, Number(button.querySelector("data").value)]) })`);
  const status = () => ask<string>(`document.querySelector("[role=status]").textContent`);

  test("it opens from disk: nothing is fetched, nothing of a text runs, the console is silent", async () => {
    expect(said.filter((line) => !/^(file:.*report\.html|data:,)$/.test(line))).toEqual([]);
    expect(await page.title()).toBe("Sentences as features of dictionary");
    expect(await ask("document.scripts.length + document.images.length")).toBe(2);
  });

  test("texts are there to the letter, as they can be seen", async () => {
    const seen = await ask<string[]>(`[...document.querySelectorAll(".tokens")].map((sentence) => sentence.textContent)`);
    expect(seen.slice(0, 4)).toEqual(texts.slice(0, 4));
    expect(seen[4]).toBe("nul␀ bell␇ over⟨U+202E⟩ride↵\nline");
    expect(seen[5]).toBe(texts[5]);
    expect(await ask(`getComputedStyle(document.querySelectorAll(".tokens")[2]).direction`)).toBe("rtl");
  });

  test.each(["light", "dark"] as const)("a token can be read in its strongest shade, and shades run one way (%s)", async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    const [ink, page_, negative, token] = await ask<string[]>(`["--ink", "--page", "--token-negative", "--token"].map((name) => { document.body.style.outlineColor = "var(" + name + ")"; return getComputedStyle(document.body).outlineColor; })`);
    for (const shade of [page_, token, negative]) expect(contrast(ink, shade)).toBeGreaterThan(4.5);
    const [none, half, full] = await ask<string[]>(`["--none", "--half", "--full"].map((name) => { document.body.style.outlineColor = "var(" + name + ")"; return getComputedStyle(document.body).outlineColor; })`);
    expect(contrast(none, half)).toBeGreaterThan(1.5);
    expect(contrast(half, full)).toBeGreaterThan(1.5);
    expect(contrast(none, full)).toBeGreaterThan(Math.max(contrast(none, half), contrast(half, full)));
  });

  describe("a feature", () => {
    const expectShades = async (feature: number) => {
      const largest = Math.max(...tokens.map((token) => Math.abs(valueOf(token, feature))));
      (await shades()).forEach((shade, i) => {
        const value = valueOf(tokens[i], feature);
        expect(shade).toBeCloseTo(value === 0 ? 0 : 0.12 + (0.88 * Math.abs(value)) / largest, 5);
      });
      const negative = await ask<boolean[]>(`[...document.querySelectorAll(".tokens span")].map((token) => token.matches(".negative[style*='--a']"))`);
      expect(negative).toEqual(tokens.map((token) => valueOf(token, feature) < 0));
    };

    test("that is typed colours the tokens by how strongly it is active", async () => {
      await page.fill("#feature", String(feature));
      await page.keyboard.press("Enter");
      await expectShades(feature);
      const active = tokens.filter((token) => valueOf(token, feature) !== 0).length;
      expect(await status()).toMatch(`Feature ${feature}: on ${active} of ${tokens.length.toLocaleString("en")} tokens, in `);
    });

    test.each([
      ["a sentence's strongest", ".sentences .bars.of-vector button"],
      ["the heat map's columns", ".heat[data-basis=vector] thead button"],
    ])("is chosen from %s too", async (_, selector) => {
      const button = page.locator(selector).nth(4);
      await button.click();
      await expectShades(Number(await button.getAttribute("data-feature")));
      expect(await button.getAttribute("aria-pressed")).toBe("true");
    });

    test("is chosen by a click on a cell of the heat map", async () => {
      await page.locator(".heat[data-basis=vector] tbody tr:nth-child(9) td:nth-child(4)").click();
      await expectShades(Number(await page.locator(".heat[data-basis=vector] thead th:nth-child(4)").textContent()));
    });

    test("that is active nowhere is told, and so is one that does not exist", async () => {
      await page.fill("#feature", "29.5");
      await page.keyboard.press("Enter");
      expect([await page.textContent("#about-feature"), await status()]).toEqual(["expected a whole number from 0 to 199", "expected a whole number from 0 to 199"]);
      const silent = Array.from({ length: 200 }, (_, i) => i).find((feature) => tokens.every((token) => valueOf(token, feature) === 0))!;
      await page.fill("#feature", String(silent));
      await page.keyboard.press("Enter");
      expect(await page.textContent("#about-feature")).toContain("active on none of these tokens");
      expect(Math.max(...(await shades()))).toBe(0);
    });
  });

  describe("a token", () => {
    const expected = (i: number) => ({ name: `“${tokens[i].text}”`, features: strongest(tokens[i]).slice(0, 10).map(({ feature, value }) => [String(feature), value]) });
    const token = (i: number) => page.locator(".tokens span").nth(i);

    test("that is pointed at shows its strongest features, with all their digits", async () => {
      await token(2).hover();
      expect(await panel()).toEqual(expected(2));
      await token(1).hover();
      expect(await panel()).toEqual(expected(1));
    });

    test("that is clicked stays while the pointer moves on, until Escape", async () => {
      await token(3).click();
      await token(1).hover();
      expect(await panel()).toEqual(expected(3));
      await page.keyboard.press("Escape");
      await token(2).hover();
      expect(await panel()).toEqual(expected(2));
    });

    test("is reached by keyboard: one tab stop, arrows between tokens and sentences, values are told", async () => {
      await token(0).focus();
      await page.keyboard.press("ArrowRight");
      expect(await panel()).toEqual(expected(1));
      expect(await status()).toBe(`${tokens[1].features.index.length} features: ${strongest(tokens[1]).slice(0, 3).map(({ feature, value }) => `${feature} at ${Number(value.toPrecision(6))}`).join(", ")}`);
      await page.keyboard.press("ArrowDown");
      const second = reading.sentences[0].tokens;
      expect(await panel()).toEqual(expected(second));
      await page.keyboard.press("End");
      expect(await panel()).toEqual(expected(second + reading.sentences[1].tokens - 1));
      await page.keyboard.press("ArrowDown"); // from right to left, the next token is on the left
      await page.keyboard.press("ArrowLeft");
      expect(await panel()).toEqual(expected(second + reading.sentences[1].tokens + 1));
      await page.keyboard.press("Tab");
      expect(await ask(`document.activeElement.matches(".tokens span")`)).toBe(false);
      await page.keyboard.press("Shift+Tab");
      expect(await ask(`document.activeElement.textContent`)).toBe(tokens[second + reading.sentences[1].tokens + 1].text);
      await page.keyboard.press("Enter");
      await token(0).hover();
      expect(await panel()).toEqual(expected(second + reading.sentences[1].tokens + 1));
      await page.keyboard.press("Escape");
    });

    test("where the chosen feature is strongest has a button that leads there", async () => {
      await page.fill("#feature", String(feature));
      await page.keyboard.press("Enter");
      await page.locator(".places button").first().click();
      const best = tokens.map((token) => Math.abs(valueOf(token, feature)));
      expect(await panel()).toEqual(expected(best.indexOf(Math.max(...best))));
    });
  });

  test("the whole page is reached by tab, within reason", async () => {
    await open(reading);
    const reached = new Set<string>();
    let presses = 0;
    for (; presses < 60 && !reached.has("BODY"); presses++) {
      await page.keyboard.press("Tab");
      reached.add(await ask<string>(`document.activeElement.id || document.activeElement.className.split(" ")[0] || document.activeElement.closest(".tokens, .bars, .places, .heat, .sortable")?.className.split(" ")[0] || document.activeElement.tagName`));
    }
    expect([...reached]).toEqual(expect.arrayContaining(["skip", "feature", "basis", "order", "tokens", "bars", "places", "heat", "matrix", "SUMMARY", "filter", "wide", "sortable", "BODY"]));
    expect(presses).toBeLessThan(60 + 1);
  });

  describe("the table", () => {
    const column = (n: number) => ask<number[]>(`[...document.querySelectorAll(".sortable tbody tr:not([hidden])")].map((row) => { const value = row.cells[${n}].querySelector("data")?.value; return value === undefined ? NaN : Number(value); })`);
    const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => Number(Number.isNaN(a)) - Number(Number.isNaN(b)) || a - b);

    test.each([3, 6, 11])("is sorted by column %i, up and then down; what has no number stays last", async (n) => {
      const header = page.locator(".sortable thead th").nth(n);
      await header.locator("button").focus();
      await page.keyboard.press("Enter");
      const up = await column(n);
      expect(up).toEqual(ascending(up));
      expect(new Set(up).size).toBeGreaterThan(3);
      expect(await header.getAttribute("aria-sort")).toBe("ascending");
      await page.keyboard.press("Enter");
      const numbers = up.filter((value) => !Number.isNaN(value));
      expect(await column(n)).toEqual([...numbers.reverse(), NaN]);
      expect(await header.getAttribute("aria-sort")).toBe("descending");
      expect(await page.locator(".sortable [aria-sort]").count()).toBe(1);
    });

    test("is filtered by words, and says how many rows are left", async () => {
      await page.fill("#filter", "THOUSAND ten");
      expect(await column(1)).toEqual([6]);
      expect(await page.textContent("[for=filter]")).toBe("1 of 12 rows");
      await page.fill("#filter", "nowhere");
      expect(await column(1)).toEqual([]);
      await page.fill("#filter", "");
      expect(await column(1)).toHaveLength(12);
    });
  });

  test("rows and columns of heat map and matrices are put together by similarity, and back", async () => {
    const heat = () => ask<{ rows: string[]; cells: Record<string, string> }>(`(() => { const table = document.querySelector(".heat[data-basis=vector]"), names = [...table.tHead.rows[0].cells].map((cell) => cell.textContent); const rows = [...table.tBodies[0].rows]; return { rows: rows.map((row) => row.cells[0].querySelector("a").textContent), cells: Object.fromEntries(rows.flatMap((row) => [...row.cells].slice(1).map((cell, i) => [row.cells[0].querySelector("a").textContent + ":" + names[i + 1], cell.textContent]))) }; })()`);
    const paths = () => ask<string[]>(`[...document.querySelectorAll(".matrix[data-space=original] g path")].map((path) => path.getAttribute("d"))`);
    const given = { heat: await heat(), paths: await paths() };
    await page.selectOption("#order", "features");
    const similar = await heat();
    expect(similar.rows).not.toEqual(given.heat.rows);
    expect(similar.cells).toEqual(given.heat.cells); // each is still under its feature, beside its sentence
    expect(await paths()).not.toEqual(given.paths);
    await page.selectOption("#order", "given");
    expect(await heat()).toEqual(given.heat);
    expect(await paths()).toEqual(given.paths);
  });

  test("cells of the matrices are told where pointer and arrow keys are", async () => {
    await page.locator(".matrix").first().focus();
    await page.keyboard.press("ArrowRight");
    const cosine = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, d) => sum + x * b[d], 0) / Math.hypot(...a) / Math.hypot(...b);
    const [first, second] = reading.sentences.map(({ activation }) => activation);
    expect(await page.textContent(".readout")).toMatch(new RegExp(`^Sentences 1 and 2: original space ${Number(cosine(first, second).toPrecision(4))}, sparse space [-\\d.e]+$`));
    expect(await status()).toBe(await page.textContent(".readout"));
    const { width, height } = (await page.locator(".matrix").first().boundingBox())!;
    await page.locator(".matrix").first().hover({ position: { x: (width * 6.5) / 12, y: (height * 2.5) / 12 } });
    expect(await page.textContent(".readout")).toBe("Sentences 3 and 7: original space undefined, sparse space undefined");
  });

  test("features of the tokens take the place of those of the vectors, and back", async () => {
    const seen = () => ask<string[]>(`[...document.querySelectorAll(".of-vector, .of-tokens")].filter((element) => element.checkVisibility()).map((element) => /of-\\w+/.exec(element.className)[0])`);
    await page.locator("details summary").click();
    expect(new Set(await seen())).toEqual(new Set(["of-vector"]));
    await page.selectOption("#basis", "tokens");
    expect(new Set(await seen())).toEqual(new Set(["of-tokens"]));
    await page.selectOption("#basis", "vector");
  });

  test("on paper there are tokens with their colours and no controls", async () => {
    await page.emulateMedia({ media: "print" });
    expect(await ask(`[...document.querySelectorAll("input, select, .panel, .skip")].filter((element) => element.checkVisibility()).length`)).toBe(0);
    expect(await ask(`getComputedStyle(document.querySelector(".tokens span")).printColorAdjust`)).toBe("exact");
    expect(await ask(`document.querySelector("#about-feature").innerText`)).toMatch(`Feature ${await page.inputValue("#feature")}\n`);
    await page.emulateMedia({ media: "screen" });
  });

  test("on a narrow screen the page itself does not scroll sideways", async () => {
    await page.setViewportSize({ width: 360, height: 640 });
    expect(await ask("document.documentElement.scrollWidth")).toBeLessThanOrEqual(360);
  });

  test("after all that the console is still silent", () => {
    expect(said.filter((line) => !/^(file:.*report\.html|data:,)$/.test(line))).toEqual([]);
  });

  test.each([["light", 1280], ["dark", 360]] as const)("axe finds nothing to mend (%s, %i pixels wide)", async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height: 640 });
    await open({ ...reading, sentences: reading.sentences.filter(({ tokens }, i) => tokens < 100 && i < 8) });
    expect(await axeViolations(page)).toEqual([]);
  });

  test("without sentences it opens as well", async () => {
    await open({ ...reading, sentences: [] });
    expect(said.filter((line) => !/^(file:.*report\.html|data:,)$/.test(line))).toEqual([]);
    expect(await axeViolations(page)).toEqual([]);
  });
});
