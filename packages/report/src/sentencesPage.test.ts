import { createHash } from "node:crypto";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { seededReading } from "../test/reading.js";
import { sentencesPage } from "./html.js";
import { topFeatures, type Reading, type SparseRow } from "./index.js";
import { type SentencesData } from "./page/sentencesData.js";

const written = "2026-01-02 03:04 UTC";
const textOf = (reading: Reading) => sentencesPage(reading, { written });
const pageOf = (reading: Reading) => parseHTML(textOf(reading)).document;
const all = (root: ParentNode, selector: string) => [...root.querySelectorAll(selector)];
const dataOf = (document: Document) => JSON.parse(document.querySelector("#data")!.textContent) as SentencesData;
const valuesOf = (root: ParentNode) => all(root, "data").map((element) => element.getAttribute("value"));

const reading = seededReading(1, { sentences: 12, l0: 8 });
const document = pageOf(reading);

describe("numbers", () => {
  test("of the table are those of the analysis, with all their digits", () => {
    expect(all(document, "table.sortable tbody tr").map(valuesOf)).toEqual(
      reading.sentences.map(({ tokens, original, sparse, top }, i) => [i + 1, tokens, ...Object.values(original), ...Object.values(sparse), ...top.map(({ weight }) => weight)].map(String)),
    );
    expect(all(document, "table.sortable tbody tr").map((row) => all(row, ".pair").map((pair) => pair.textContent.split(":")[0]))).toEqual(reading.sentences.map(({ top }) => top.map(({ feature }) => String(feature))));
  });

  test("of how well the dictionary describes activations are at the top; a transcoder has none", () => {
    expect(valuesOf(document.querySelector(".measures")!)).toEqual(["0.8123456789", "0.9", "8"]);
    expect(pageOf({ ...reading, metrics: null }).querySelector(".measures")).toBeNull();
  });

  test("of bars are the strongest features, of the vector and on the tokens; lengths go with them", () => {
    const strongest = (rows: readonly SparseRow[]) => {
      const largest = new Map<number, number>();
      for (const { index, values } of rows) for (let k = 0; k < index.length; k++) largest.set(index[k], Math.max(values[k], largest.get(index[k]) ?? 0));
      return [...largest].sort(([f, a], [g, b]) => b - a || f - g).slice(0, 10).map(([feature, value]) => [String(feature), String(value)]);
    };
    for (const [basis, rowsOf] of [["vector", (i: number) => [reading.sentences[i].features]], ["tokens", (i: number) => reading.sentences[i].perToken.map(({ features }) => features)]] as const) {
      const lists = all(document, `ol.bars.of-${basis}`);
      expect(lists.map((list) => all(list, "button").map((button) => [button.getAttribute("data-feature"), ...valuesOf(button)]))).toEqual(reading.sentences.map((_, i) => strongest(rowsOf(i))));
      const most = Math.max(...valuesOf(lists[0].parentNode!.parentNode as ParentNode & Element).map(Number), 0);
      expect(most).toBeGreaterThan(0);
      for (const list of lists) {
        const lengths = all(list, "button").map((button) => Number(/--w:([\d.]+)/.exec(button.getAttribute("style")!)![1]));
        expect(lengths).toEqual([...lengths].sort((a, b) => b - a));
        expect(Math.max(...lengths)).toBeLessThanOrEqual(1);
      }
      const longest = lists.map((list) => Number(/--w:([\d.]+)/.exec(list.querySelector("button")!.getAttribute("style")!)![1]));
      const first = lists.map((list) => Number(valuesOf(list)[0]));
      longest.forEach((length, i) => expect(length).toBeCloseTo(first[i] / Math.max(...first), 3));
    }
  });

  test("of the heat map are the features' values; what is not active is empty", () => {
    const heat = document.querySelector('table.heat[data-basis="vector"]')!;
    const columns = all(heat, "thead button").map((button) => Number(button.textContent));
    const total = (feature: number) => reading.sentences.reduce((sum, { features: { index, values } }) => sum + (values[Array.from(index).indexOf(feature)] ?? 0), 0);
    const features = [...new Set(reading.sentences.flatMap(({ features }) => Array.from(features.index)))].sort((f, g) => total(g) - total(f) || f - g);
    expect(columns).toEqual(features.slice(0, 48));
    all(heat, "tbody tr").forEach((row, i) => {
      const { index, values } = reading.sentences[i].features;
      all(row, "td").forEach((cell, column) => {
        const value = values[Array.from(index).indexOf(columns[column])];
        if (value === undefined) expect(cell.textContent).toBe("");
        else expect(Number(cell.textContent) / value).toBeCloseTo(1, 5);
      });
    });
  });

  test("of the original L0 are counted; of distributions the median is told", () => {
    const figures = all(document, ".distributions figure").map((figure) => figure.querySelector("figcaption")!.textContent.trim());
    expect(figures.map((caption) => /^\w+: \w+/.exec(caption)![0])).toEqual(["Original: mean", "Sparse: mean", "Original: variance", "Sparse: variance", "Original: L0", "Sparse: L0"]);
    expect(figures[4]).toBe("Original: L0 of 16 · the same in all");
    const sorted = reading.sentences.map(({ sparse }) => sparse.l0!).sort((a, b) => a - b);
    expect(figures[5]).toBe(`Sparse: L0 of 200 · median ${(sorted[5] + sorted[6]) / 2}`);
  });

  test("of bins are how many sentences lie in each", () => {
    const heights = all(all(document, ".distributions figure")[0], "rect").map((bar) => Number(bar.getAttribute("height")) + 1); // inset by half a pixel above and below
    const one = Math.min(...heights);
    expect(heights.reduce((sum, height) => sum + Math.round(height / one), 0)).toBe(12);
  });
});

test("tokens are there in their order, and orders have every sentence once", () => {
  expect(all(document, ".tokens").map((sentence) => all(sentence, "span").map((token) => token.textContent))).toEqual(reading.sentences.map(({ perToken }) => perToken.map(({ text }) => text)));
  const { sentenceOrders, featureOrders, tokens } = dataOf(document);
  expect(tokens).toEqual(reading.sentences.map(({ tokens }) => tokens));
  const ascending = (numbers: readonly number[]) => [...numbers].sort((a, b) => a - b);
  for (const order of Object.values(sentenceOrders)) expect(ascending(order)).toEqual(tokens.map((_, i) => i));
  for (const order of Object.values(featureOrders)) expect(ascending(order)).toEqual(order.map((_, i) => i));
  for (const order of Object.values(sentenceOrders)) {
    const changes = order.filter((i, place) => place > 0 && i % 3 !== order[place - 1] % 3); // the reading has three groups
    expect(changes.length).toBeLessThan(8);
  }
});

describe("what is not there", () => {
  test("a sentence without tokens has none, no numbers, and no direction", () => {
    const document = pageOf(seededReading(2, { sentences: 3, texts: ["", "one two"] }));
    expect(all(document, "table.sortable tbody tr")[0].textContent.match(/–/g)).toHaveLength(9);
    expect(document.querySelector("#sentence-1")!.textContent).toContain("No tokens.");
    expect(document.documentElement.textContent).toContain("Blank: 1 of 3 sentences");
    expect(/NaN|Infinity|undefined|null/.exec(document.querySelector("main")!.innerHTML)).toBeNull();
  });

  test.each([0, 1])("%i sentences are a page too", (sentences) => {
    const document = pageOf(seededReading(3, { sentences }));
    expect(all(document, "table.sortable tbody tr")).toHaveLength(sentences);
    expect(all(document, "main > section > h2")).toHaveLength(5);
  });

  test("where most vectors have no feature, those on tokens are shown first, and the page says why", () => {
    const document = pageOf({ ...reading, sentences: reading.sentences.map((sentence, i) => ({ ...sentence, features: i < 2 ? sentence.features : { index: [], values: [] }, sparse: { ...sentence.sparse, l0: i < 2 ? 3 : 0 } })) });
    expect(document.querySelector("#basis option[selected]")!.getAttribute("value")).toBe("tokens");
    expect(document.querySelector("main > .note")!.textContent).toMatch(/^In the vectors of 10 of 12 sentences no feature is active: a mean of activations/);
  });
});

const hostile = `</title></style><script>throw new Error("ran")</script><img src=x onerror=alert(1)>"'&<b>`;
test("texts are text wherever they stand, whatever they hold", () => {
  const document = pageOf({ ...seededReading(4, { sentences: 3, texts: [hostile, "</script><!-- <script>"] }), model: hostile, dictionary: hostile, site: hostile, device: hostile, pooling: hostile });
  expect(all(document, "img, b b, iframe, object")).toEqual([]);
  expect(all(document, "script")).toHaveLength(2);
  expect(all(document, "*").flatMap((element) => [...element.attributes].filter(({ name }) => name.startsWith("on")))).toEqual([]);
  expect(document.querySelector("h1")!.textContent).toBe(`Sentences as features of ${hostile}`);
  expect(document.querySelector("#sentence-1 .tokens")!.textContent).toBe(hostile);
  expect(document.querySelector("table.sortable tbody th")!.textContent).toBe(hostile);
});

test("the page needs nothing else, and its policy lets in its own script only", () => {
  const policy = document.querySelector("meta[http-equiv=Content-Security-Policy]")!.getAttribute("content")!;
  const script = all(document, "script:not([type])")[0].textContent;
  expect(policy).toContain(`script-src 'sha256-${createHash("sha256").update(script).digest("base64")}';`);
  expect(policy).toMatch(/^default-src 'none';/);
  expect(policy).toContain("require-trusted-types-for 'script'; trusted-types 'none'");
  expect(all(document, "[src]")).toEqual([]);
  expect(all(document, "[href]").filter((element) => !/^(#|data:,$)/.test(element.getAttribute("href")!))).toEqual([]);
});

test("ids are there once, and links lead to them", () => {
  const ids = all(document, "[id]").map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(all(document, 'a[href^="#"]').map((link) => link.getAttribute("href")!.slice(1)).filter((id) => !ids.includes(id))).toEqual([]);
});

describe("a large reading", () => {
  test("60 sentences in 32,768 features, 120 on a token, are less than 3 MB with everything in them", () => {
    const text = textOf(seededReading(5, { sentences: 60, tokens: 60, D: 512, F: 32_768, l0: 120 }));
    expect(Buffer.byteLength(text)).toBeLessThan(3e6);
    expect(text).not.toContain("To stay small");
  });

  test("what is more than a page holds is left out, and that is said", () => {
    const long = "a ".repeat(20_000).trim();
    const text = textOf(seededReading(6, { sentences: 305, tokens: 8, l0: 2, texts: [long, long, long] }));
    expect(Buffer.byteLength(text)).toBeLessThan(3e6);
    expect(text).toMatch(/the first 300 of 305 sentences .*; in heat map and matrices the first 100; [\d,]+ of [\d,]+ tokens, the beginnings of long sentences\.</);
    const tokens = (JSON.parse(/id="data">(.*)<\/script>/.exec(text)![1]) as SentencesData).tokens.reduce((sum, n) => sum + n);
    expect(tokens).toBeLessThanOrEqual(30_000);
    expect(tokens).toBeGreaterThan(29_900);
    expect(text.match(/>The first [\d,]+ of 20,000 tokens\.</g)).toHaveLength(3);
    expect(text.match(/<li id="sentence-/g)).toHaveLength(300);
  });

  test("features that do not fit are counted", () => {
    const reading = seededReading(7, { sentences: 12, tokens: 60, F: 20_000, l0: 1600 });
    const text = textOf(reading);
    const [, active, kept] = /of the ([\d,]+) features that are active on tokens the ([\d,]+) strongest/.exec(text)!.map((number) => Number(number.replaceAll(",", "")));
    expect(active).toBe(new Set(reading.sentences.flatMap(({ perToken }) => perToken.flatMap(({ features }) => Array.from(features.index)))).size);
    const { features } = JSON.parse(/id="data">(.*)<\/script>/.exec(text)![1]) as SentencesData;
    expect(kept).toBe(features.length);
    expect(features).toContain(topFeatures(reading.sentences[0].perToken[0].features, 1)[0].feature);
  });
});
