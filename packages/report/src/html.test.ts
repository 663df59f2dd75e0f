import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { type MetricsLine, runPage, type RunReport, type TrainerReport } from "./html.js";
import { thin } from "./html/thin.js";

const lineAt = (step: number): MetricsLine => ({ step, tokens: 256 * step, loss: 1 / step, l2_loss: 0.9 / step, l0: 30 + step / 7, frac_variance_explained: 1 - 1 / (step + 1), lr: 3e-4, dead_features: step % 3, tokens_per_second: 1234 });
const metricsOf = (n: number) => Array.from({ length: n }, (_, i) => lineAt(i + 1));
const evaluation = { l0: 32.123456789, frac_variance_explained: 0.8123456789, frac_recovered: 0.912345678901, frac_alive: 0.75, feature_density: { tokens: 1000, silent: 4, log10: [-0.75, -0.5, -0.25], features: [3, 0, 9] }, hyperparameters: { n_inputs: 7 } };
const trainer = (over: Partial<TrainerReport> = {}): TrainerReport => ({ name: "topk:k=32", site: "layers.3.mlp_out", index: 0, parameters: { dict_class: "AutoEncoderTopK", k: 32, warmup_steps: null }, metrics: metricsOf(20), ...over });
const runOf = (trainers: TrainerReport[], over: Partial<RunReport> = {}): RunReport => ({ name: "out", written: "2026-01-02 03:04 UTC", state: "running", step: 20, steps: 100, tokens: 5120, parameters: { model_name: "demo" }, trainers, ...over });
const pageOf = (trainers: TrainerReport[], over?: Partial<RunReport>) => parseHTML(runPage(runOf(trainers, over))).document;

const all = (root: ParentNode, selector: string) => [...root.querySelectorAll(selector)];
const textOf = (element: Element | null) => element?.textContent.trim();
/** The cells of a table by its caption's beginning: rows of numbers, whole where the cell holds one. */
const tableOf = (document: Document, caption: string) =>
  all(all(document, "table").find((table) => textOf(table.querySelector("caption"))!.startsWith(caption))!, "tbody tr").map((row) => all(row, "td").map((cell) => cell.querySelector("data")?.getAttribute("value") ?? textOf(cell)));
const figureOf = (document: Document, title: string) => all(document, "figure").find((figure) => textOf(figure.querySelector("svg > title")) === title);
const lineIn = (figure: Element | undefined) => figure!.querySelector('g[stroke^="var(--series"] path')!;
/** Points of a line as it is drawn. */
const pointsOf = (path: Element) => (path.getAttribute("d")!.match(/[ML]?-?[\d.]+,-?[\d.]+/g) ?? []).map((point) => point.replace(/^[ML]/, "").split(",").map(Number));

describe("numbers", () => {
  const document = pageOf([trainer({ evaluation })]);

  test("of the log's last line and of the evaluation are there with all their digits", () => {
    const { step, loss, l0, frac_variance_explained: fve, dead_features: dead } = lineAt(20);
    expect(tableOf(document, "Last line of the log, and the evaluation")).toEqual([[step, loss, l0, fve, dead, evaluation.l0, evaluation.frac_variance_explained, evaluation.frac_recovered, evaluation.frac_alive].map(String)]);
    expect(tableOf(document, "Evaluation on").map(([value]) => value)).toEqual(["32.123456789", "0.8123456789", "0.912345678901", "0.75", '{"n_inputs":7}']);
  });

  test("of every line of a short log are in its table", () => {
    expect(tableOf(document, "Lines of metrics.jsonl")).toEqual(metricsOf(20).map((line) => Object.values(line).slice(1).map(String)));
  });

  test("are drawn where they are: the line of L0 is straight, and that of FVE has the values' proportions", () => {
    const l0 = pointsOf(lineIn(figureOf(document, "L0, active features a token")));
    expect(l0).toHaveLength(20);
    const slope = (l0[19][1] - l0[0][1]) / (l0[19][0] - l0[0][0]);
    for (const [x, y] of l0) expect(y - l0[0][1]).toBeCloseTo(slope * (x - l0[0][0]), 2);
    const fve = pointsOf(lineIn(figureOf(document, "Fraction of variance explained (FVE)")));
    const height = (i: number) => lineAt(i + 1).frac_variance_explained! - lineAt(1).frac_variance_explained!;
    for (const i of [1, 5, 19]) expect((fve[i][1] - fve[0][1]) / (fve[19][1] - fve[0][1])).toBeCloseTo(height(i) / height(19), 3);
  });

  test("of parameters are as they were given, and what is null is not set", () => {
    expect(tableOf(document, "Parameters")).toEqual([["AutoEncoderTopK"], ["32"], ["not set"]]);
  });

  test("of features by density: a bar for each bin that has any", () => {
    const figure = figureOf(document, "Feature density")!;
    const heights = all(figure, "rect").map((bar) => Number(bar.getAttribute("height")) + 1); // inset by half a pixel above and below
    expect(heights.filter((height) => height > 2)).toHaveLength(2);
    expect(Math.min(...heights.filter((height) => height > 2)) / Math.max(...heights)).toBeCloseTo(3 / 9, 1);
    expect(textOf(figure.querySelector("desc"))).toContain("Never active: 4.");
  });
});

describe("what is not there", () => {
  test("a number that is not finite is told and leaves a gap; no NaN is drawn", () => {
    const metrics = metricsOf(20).map((line, i) => (i === 9 || i === 19 ? { ...line, loss: null } : line));
    const document = pageOf([trainer({ metrics, evaluation: { ...evaluation, frac_recovered: null } })]);
    const [row] = tableOf(document, "Last line");
    expect([row[1], row[7]]).toEqual(["not a number", "not a number"]);
    expect(lineIn(figureOf(document, "Loss and its parts")).getAttribute("d")!.match(/M/g)).toHaveLength(2);
    expect(document.toString()).not.toMatch(/NaN|Infinity|undefined/);
  });

  test("a trainer that logs only a loss has a plot of that", () => {
    const document = pageOf([trainer({ metrics: [1, 2, 3].map((step) => ({ step, tokens: step, loss: step })) })]);
    expect(all(document, "figure").map((figure) => textOf(figure.querySelector("svg > title")))).toEqual(["Loss and its parts"]);
    expect(tableOf(document, "Last line")).toEqual([["3", "3", "–", "–", "–"]]);
  });

  test.each([0, 1])("a log of %i lines", (n) => {
    const document = pageOf([trainer({ metrics: metricsOf(n) }), trainer({ metrics: metricsOf(n), index: 1 })]);
    expect(document.toString()).not.toMatch(/NaN|Infinity|undefined/);
    expect(all(document, ".figures figure")).toHaveLength(6 * 2 * n);
  });

  test("a column without any number has no plot; early values of FVE far below 0 are left out, and that is said", () => {
    const metrics = metricsOf(20).map((line, i) => ({ ...line, lr: null, frac_variance_explained: i < 2 ? -40 : 0.5 + i / 100 }));
    const document = pageOf([trainer({ metrics })]);
    expect(figureOf(document, "Learning rate")).toBeUndefined();
    expect(textOf(figureOf(document, "Fraction of variance explained (FVE)")!.querySelector(".note"))).toBe("2 of 20 values lie below 0 and are left out");
  });
});

describe("several trainers", () => {
  const trainers = ["layers.3.mlp_out", "layers.4.mlp_out"].flatMap((site) => [0, 1, 2].map((index) => trainer({ site, index, name: `topk:k=${2 ** index}`, evaluation: { ...evaluation, l0: 2 ** index, frac_recovered: 0.5 + index / 10 } })));

  test("are compared: a point each, by L0 and loss recovered on unseen text", () => {
    const figure = figureOf(pageOf(trainers), "L0 against loss recovered, on unseen text")!;
    expect(all(figure, "path title, circle title").map(textOf)).toEqual(trainers.map(({ index, name, site }) => `trainer_${index} (${name}) at ${site}`));
    expect(textOf(figure.querySelector("svg > desc"))).toContain("trainer_2 (topk:k=4) at layers.4.mlp_out: L0 4, Loss recovered 0.7");
  });

  test("are compared by their logs' FVE while there is no evaluation; one alone is not", () => {
    const running = trainers.map((one) => ({ ...one, evaluation: undefined }));
    expect(figureOf(pageOf(running), "L0 against fraction of variance explained, last line of the log")).toBeDefined();
    expect(all(pageOf(running.slice(0, 1)), "#trainers ~ figure")).toEqual([]);
  });

  test("have a section each, which the table at the top links to; ids are there once", () => {
    const document = pageOf(trainers);
    const ids = all(document, "[id]").map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const links = all(document, "main a").map((link) => link.getAttribute("href")!);
    expect(links).toHaveLength(6);
    for (const link of links) expect(textOf(document.getElementById(link.slice(1)))).toMatch(/^trainer_\d \(topk/);
  });
});

test("names are text wherever they stand, whatever they hold", () => {
  const hostile = `</title></style><script>alert(1)</script><img src=x onerror=alert(1)>"'&<b>`;
  const metrics = metricsOf(3).map((line) => ({ ...line, [hostile]: 1, [`${hostile}loss`]: 2 }));
  const trainers = [0, 1].map((index) => trainer({ index, name: hostile, site: `${hostile}${index}`, metrics, parameters: { [hostile]: hostile, list: [hostile] }, evaluation: { ...evaluation, [hostile]: hostile } }));
  const text = runPage(runOf(trainers, { name: hostile, written: hostile, parameters: { [hostile]: { [hostile]: hostile } } }));
  const { document } = parseHTML(text);
  expect(all(document, "script, img, b, iframe, object")).toEqual([]);
  expect(all(document, "*").flatMap((element) => [...element.attributes].filter(({ name }) => name.startsWith("on")))).toEqual([]);
  expect(text).not.toMatch(/<script|<img|<b>/);
  expect(textOf(document.querySelector("h1"))).toBe(`Training run ${hostile}`);
  expect(textOf(document.querySelector("section.trainer h2"))).toBe(`trainer_0 (${hostile}) at ${hostile}0`);
  expect(all(document, "svg > title").map(textOf)).toContain(hostile);
});

test("the page needs nothing else, and lets nothing else in", () => {
  const document = pageOf([trainer({ evaluation })]);
  expect(document.querySelector("meta[http-equiv=Content-Security-Policy]")!.getAttribute("content")).toMatch(/^default-src 'none'; style-src 'unsafe-inline';/);
  expect(all(document, "[src], script")).toEqual([]);
  expect(all(document, "[href]").filter((element) => !/^(#|data:,$)/.test(element.getAttribute("href")!))).toEqual([]);
  expect(document.toString()).not.toMatch(/url\(|@import/);
});

test("what it shows can be read without seeing it: titles and descriptions of plots, captions and headers of tables", () => {
  const document = pageOf([trainer({ evaluation })]);
  for (const svg of all(document, "figure > svg")) {
    expect(svg.getAttribute("role")).toBe("img");
    expect(svg.firstElementChild!.tagName.toLowerCase()).toBe("title");
    expect(textOf(svg.querySelector("desc"))).not.toBe("");
  }
  for (const one of all(document, "table")) {
    expect(textOf(one.querySelector("caption"))).not.toBe("");
    expect(all(one, "th:not([scope])")).toEqual([]);
  }
  expect(textOf(figureOf(document, "Loss and its parts")!.querySelector("desc"))).toBe("loss: from 1 to 0.05, least 0.05, largest 1; l2_loss: from 0.9 to 0.045, least 0.045, largest 0.9");
});

describe("a long log", () => {
  const long = Array.from({ length: 100_000 }, (_, i): MetricsLine => ({ ...lineAt(i + 1), loss: i === 70_001 ? 1e3 : Math.sin(i), lr: i % 5 === 0 ? null : i }));

  test("is thinned to means of neighbours, with their least and largest", () => {
    for (const n of [1, 499, 500, 501, 100_000]) {
      const lines = long.slice(0, n);
      const points = thin(lines, { x: "tokens", y: "lr", most: 500 });
      const size = Math.ceil(n / 500);
      expect(points.length).toBe(Math.ceil(n / size));
      for (const i of [0, Math.floor(points.length / 2), points.length - 1]) {
        const bucket = lines.slice(i * size, (i + 1) * size);
        const values = bucket.flatMap(({ lr }) => (lr === null ? [] : [lr]));
        const mean = (numbers: number[]) => (numbers.length ? numbers.reduce((sum, x) => sum + x) / numbers.length : null);
        expect(points[i]).toEqual({ x: mean(bucket.map(({ tokens }) => tokens!)), y: mean(values), low: values.length ? Math.min(...values) : null, high: values.length ? Math.max(...values) : null });
      }
    }
  });

  test("makes a page as small as a short one does, and a spike stays to be seen", () => {
    const page = runPage(runOf([trainer({ metrics: long })]));
    expect(page.length).toBeLessThan(400_000);
    const document = parseHTML(page).document;
    expect(textOf(figureOf(document, "Loss and its parts")!.querySelector("desc"))).toContain("largest 1000");
    const ys = all(figureOf(document, "Loss and its parts")!, 'g[fill^="var(--series"] path').flatMap((path) => pointsOf(path).map(([, y]) => y));
    expect(Math.min(...ys)).toBeLessThan(30); // of 240 pixels, from the top
    expect(tableOf(document, "Lines of metrics.jsonl").length).toBeLessThanOrEqual(52);
  });
});
