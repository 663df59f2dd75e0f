import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { comparisonPage } from "./html.js";
import { meanCosine, denseRow } from "./html/comparison/meanCosine.js";
import { placed } from "./html/comparison/series.js";
import { emptySparseStatistics, sparseStatistics, statistics, type Reading, type SentenceDetail } from "./index.js";

const sentences = ["The harvest was good.", "", "<script>alert(1)</script> & \"quotes\"", "שלום עולם 😀", "word ".repeat(2000)];
const wave = (seed: number, length: number) => Float32Array.from({ length }, (_, i) => Math.sin(seed * 7.3 + i * 1.7));

function detail(sentence: string, seed: number): SentenceDetail {
  if (sentence === "") return { sentence, tokens: 0, original: statistics([]), sparse: emptySparseStatistics, top: [], activation: new Float32Array(0), features: { index: [], values: [] }, perToken: [], metrics: null };
  const activation = wave(seed, 8);
  const features = { index: Uint32Array.from([1, 5, 9, 20, 21, 30, 31], (f) => f + (seed % 3)), values: Float32Array.from(wave(seed + 0.5, 7), Math.abs) };
  return { sentence, tokens: 3, original: statistics(activation), sparse: sparseStatistics(features, 64), top: [], activation, features, perToken: [], metrics: { tokens: 3, l0: 2 + seed / 7, frac_variance_explained: 0.5, cossim: 0.9 - seed / 100 } };
}

const reading = (site: string, seed: number, over: Partial<Reading> = {}): Reading => ({
  model: "demo", dictionary: `run/${site.replace(/layers\.(\d)\.(\w+)/, "$2_layer_$1")}/trainer_0`, site, pooling: "last", device: "cpu", D: 8, F: 64,
  metrics: { tokens: 12, l0: 3.25 + seed, frac_variance_explained: 0.8123456789 - seed / 10, cossim: 0.9 - seed / 100 },
  sentences: sentences.map((sentence, s) => detail(sentence, 5 * seed + s)), ...over,
});
const readings = [reading("layers.0.resid_post", 0), reading("layers.3.resid_post", 1), reading("layers.3.mlp_out", 2), reading("layers.5.resid_post", 3)];
const written = "2026-01-02 03:04 UTC";

const pageOf = (of: readonly Reading[]) => parseHTML(comparisonPage(of, { written })).document;
const all = (root: ParentNode, selector: string) => [...root.querySelectorAll(selector)];
const textOf = (element: Element | null | undefined) => element?.textContent.trim();
const figureOf = (document: Document, title: string) => all(document, "figure").find((figure) => textOf(figure.querySelector("svg > title")) === title);
const valuesOf = (row: Element) => all(row, "td").map((cell) => cell.querySelector("data")?.getAttribute("value") ?? textOf(cell));

describe("readings", () => {
  const document = pageOf(readings);

  test("are a line each, with all digits of their numbers", () => {
    const rows = all(document.querySelector("#readings ~ .wide")!, "tbody tr");
    expect(rows.map((row) => [textOf(row.querySelector("th")), ...valuesOf(row)])).toEqual(readings.map(({ site, dictionary, D, F, metrics }) => [site, dictionary, ...[D, F, metrics!.tokens, metrics!.frac_variance_explained, metrics!.cossim, metrics!.l0].map(String)]));
  });

  test("are drawn over the layers: a line for each kind of site, points where the numbers are", () => {
    const figure = figureOf(document, "Fraction of variance explained (FVE)")!;
    expect(textOf(figure.querySelector("desc"))).toBe("layers.0.resid_post: 0.812346; layers.3.resid_post: 0.712346; layers.3.mlp_out: 0.612346; layers.5.resid_post: 0.512346");
    expect(all(figure, ".legend").map(textOf)).toEqual(["○ resid_post", "△ mlp_out"]);
    const [line] = all(figure, 'g[stroke^="var(--series"] path').map((path) => path.getAttribute("d")!.match(/-?[\d.]+,-?[\d.]+/g)!.map((point) => point.split(",").map(Number)));
    const [[x0, y0], [x3, y3], [x5, y5]] = line;
    expect((x3 - x0) / (x5 - x0)).toBeCloseTo(3 / 5, 3);
    expect((y3 - y0) / (y5 - y0)).toBeCloseTo(0.1 / 0.3, 3);
    expect(all(figure, "title").map(textOf).filter((text) => text?.startsWith("layers")).sort()).toEqual(["layers.0.resid_post: 0.812346", "layers.3.mlp_out: 0.612346", "layers.3.resid_post: 0.712346", "layers.5.resid_post: 0.512346"]);
  });

  test("of the same site have their dictionaries' names, as short as they differ", () => {
    const labels = (dictionaries: [string, string][]) => placed(dictionaries.map(([site, dictionary]) => reading(site, 0, { dictionary }))).map(({ label, series }) => [label, series]);
    expect(labels([["layers.3.mlp_out", "/data/a/mlp_out_layer3/ae.pt"], ["layers.3.mlp_out", "/data/b/mlp_out_layer3/ae.pt"], ["layers.4.mlp_out", "/data/a/mlp_out_layer4/ae.pt"]])).toEqual([
      ["layers.3.mlp_out, a/mlp_out_layer3", "mlp_out, a"],
      ["layers.3.mlp_out, b/mlp_out_layer3", "mlp_out, b"],
      ["layers.4.mlp_out", "mlp_out, a"],
    ]);
    expect(labels([["embed", "x/ae.pt"], ["layers.2.mlp_in", "x/ae.pt"], ["final_norm", "demo"]]).map(([label]) => label)).toEqual(["embed", "layers.2.mlp_in", "final_norm"]);
    expect(placed(["embed", "layers.2.mlp_in", "final_norm"].map((site) => reading(site, 0))).map(({ depth }) => depth)).toEqual([-1, 2, 3]);
  });

  test("of a transcoder have no measures of what it gives again; FVE far below 0 is left out, and that is said", () => {
    const document = pageOf([{ ...readings[0], metrics: null }, { ...readings[1], metrics: { ...readings[1].metrics!, frac_variance_explained: -40 } }, readings[3]]);
    expect(valuesOf(all(document.querySelector("#readings ~ .wide")!, "tbody tr")[0]).slice(3)).toEqual(["–", "–", "–", "–"]);
    expect(textOf(figureOf(document, "Fraction of variance explained (FVE)")!.querySelector(".note"))).toBe("1 of 2 values lie below 0 and are left out");
    expect(pageOf(readings.map((one) => ({ ...one, metrics: null }))).querySelectorAll("#depth ~ .figures figure").length).toBe(0);
  });
});

describe("sentences", () => {
  const document = pageOf(readings);

  test("have their strongest features at each reading, strongest first, with bars as long as the weights are", () => {
    const [first] = all(document, "section.sentence");
    expect(all(first, "tbody th").map(textOf)).toEqual(readings.map(({ site }) => site));
    const bars = all(first, "tbody tr").map((row) => all(row, "li").map((item) => ({ feature: Number(textOf(item.querySelector("b"))), weight: Number(item.querySelector("data")!.getAttribute("value")), width: Number(/[\d.]+/.exec(item.querySelector(".bar")!.getAttribute("style")!)![0]) })));
    const longest = Math.max(...[0, 1, 3].flatMap((i) => bars[i].map(({ weight }) => weight)));
    readings.forEach(({ sentences: [{ features }] }, i) => {
      const expected = Array.from(features.index, (feature, k) => ({ feature, weight: features.values[k] })).sort((a, b) => b.weight - a.weight).slice(0, 5);
      expect(bars[i].map(({ feature, weight }) => ({ feature, weight }))).toEqual(expected);
      if (i !== 2) for (const { weight, width } of bars[i]) expect(width).toBeCloseTo((100 * weight) / longest, 0);
      else expect(bars[i][0].width).toBe(100); // another kind of site has its own scale
    });
  });

  test("are text, whatever they hold; long ones are cut, empty ones told", () => {
    expect(all(document, "script, img, iframe")).toEqual([]);
    const titles = all(document, "section.sentence h3").map(textOf);
    expect(titles.slice(0, 4)).toEqual(["1 The harvest was good.", "2 (an empty sentence)", '3 <script>alert(1)</script> & "quotes"', "4 שלום עולם 😀"]);
    expect(titles[4]).toMatch(/^5 (word ){80}… \(10,000 characters\)$/);
    expect(textOf(all(document, "section.sentence")[1])).toContain("No tokens.");
  });

  test("without active features say so; nothing is NaN", () => {
    const none = readings.map((one) => ({ ...one, sentences: one.sentences.map((sentence) => ({ ...sentence, features: { index: [], values: [] } })) }));
    const document = pageOf(none);
    expect(textOf(all(document, "section.sentence td.features")[0])).toBe("none is active");
    expect(document.toString()).not.toMatch(/NaN|Infinity|undefined/);
    expect(pageOf(readings.map((one) => ({ ...one, sentences: [] }))).toString()).not.toMatch(/NaN|Infinity|undefined/);
  });

  test("are the first of many: the page says how many it shows, and stays small", () => {
    const many = readings.map((one) => ({ ...one, sentences: Array.from({ length: 1000 }, (_, s) => detail(`Sentence ${s}.`, s)) }));
    const page = comparisonPage(many, { written, sentences: 5000 });
    expect(page).toContain("5,000 sentences, of which the first 1,000 are on this page");
    expect(page).toContain("Shown are the first 750 of 1,000.");
    expect(page.length).toBeLessThan(4e6);
  });
});

test("the mean cosine is that of all pairs, one by one", () => {
  const vectors = [...Array.from({ length: 20 }, (_, i) => wave(i, 30)), new Float32Array(30)];
  const unit = vectors.slice(0, 20).map((v) => v.map((x) => x / Math.hypot(...v)));
  let sum = 0;
  for (let i = 0; i < 20; i++) for (let j = 0; j < i; j++) sum += unit[i].reduce((dot, x, d) => dot + x * unit[j][d], 0);
  const { mean, vectors: n } = meanCosine(vectors.map(denseRow));
  expect(n).toBe(20);
  expect(mean).toBeCloseTo(sum / 190, 6);
  expect(meanCosine([denseRow(vectors[0])])).toEqual({ mean: null, vectors: 1 });
  expect(meanCosine([{ index: [3, 7], values: [1, 1] }, { index: [7, 9], values: [2, 2] }]).mean).toBeCloseTo(0.5, 12);
});

test("the page needs nothing else, and lets nothing else in", () => {
  const document = pageOf(readings);
  expect(document.querySelector("meta[http-equiv=Content-Security-Policy]")!.getAttribute("content")).toMatch(/^default-src 'none'; style-src 'unsafe-inline';/);
  expect(all(document, "[src], script")).toEqual([]);
  expect(all(document, "[href]").filter((element) => !/^(#|data:,$)/.test(element.getAttribute("href")!))).toEqual([]);
  const ids = all(document, "[id]").map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const link of all(document, "a")) expect(document.getElementById(link.getAttribute("href")!.slice(1))).not.toBeNull();
});
