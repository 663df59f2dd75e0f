import { describe, expect, test } from "vitest";
import { expectTextStaysText, waysOut } from "../testing/expectTextStaysText.js";
import { comparisonPage, featuresPage, runPage, sentencesPage } from "./html.js";
import { type Reading } from "./index.js";

/** Every page with a text of its own in each place that has one: a new page is a line here. */
const pages: [string, (text: () => string) => string][] = [["a training run", run], ["a dictionary's features", features], ["sentences", sentences], ["a comparison", comparison]];

test.each(pages)("whatever stands in it, %s stays the page that it is", (_, makePage) => expectTextStaysText(makePage));

/** What each token and sentence is, is told by numbers; texts are names and the sentences with their tokens. */
function reading(text: () => string, site = text()): Reading {
  const features = { index: [0, 2], values: [1, 0.5] };
  const statistics = { mean: 0.5, variance: 1, maxWeight: 2, maxPosition: 3 };
  return {
    model: text(),
    dictionary: text(),
    site,
    pooling: text(),
    device: text(),
    D: 4,
    F: 8,
    metrics: { tokens: 4, l0: 2, frac_variance_explained: 0.5, cossim: 0.9 },
    sentences: [0, 1].map((i) => ({ sentence: text(), tokens: 2, original: statistics, sparse: { ...statistics, l0: 2 }, top: [{ feature: 0, weight: 1 }], activation: Float32Array.of(1, i, 2, 3), features, perToken: [0, 1].map((id) => ({ id, text: text(), features })) })),
  };
}
function sentences(text: () => string): string {
  return sentencesPage(reading(text), { written: text(), sentences: 5 });
}
function comparison(text: () => string): string {
  return comparisonPage([reading(text, "layers.0.mlp_out"), reading(text, "layers.1.mlp_out"), reading(text)], { written: text(), sentences: 5 });
}

function features(text: () => string): string {
  return featuresPage({ model: text(), dictionary: text(), site: text(), texts: text(), lens: text(), F: 3, D: 4, tokens: 100, rows: 5, contextLength: 128, skipFirst: 1 }, [0, 3, 50]);
}

function run(text: () => string): string {
  const [loss, other] = [`${text()}loss`, text()];
  const trainers = [0, 1].map((index) => ({
    name: text(),
    site: text(),
    index,
    parameters: { [text()]: text(), list: [text(), { [text()]: text() }], none: null },
    metrics: [1, 2, 3].map((step) => ({ step, tokens: 256 * step, loss: 1 / step, [loss]: step, [other]: 2 * step, l0: 30, frac_variance_explained: 0.5 })),
    evaluation: { l0: 32 + index, frac_recovered: 0.9, [text()]: text() as unknown as number, feature_density: { tokens: 1000, silent: 4, log10: [-0.75, -0.5], features: [3, 9] } },
  }));
  return runPage({ name: text(), written: text(), state: "running", step: 3, steps: 9, tokens: 768, parameters: { [text()]: text(), [text()]: { [text()]: text() } }, trainers });
}

describe("the check itself finds", () => {
  const page = (body: string, head = `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">`) => `<!doctype html><html><head>${head}<title>t</title></head><body>${body}</body></html>`;
  const escaped = (text: string) => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  test.each<[string, (text: () => string) => string]>([
    ["a text that is not escaped", (text) => page(`<p>${text()}</p>`)],
    ["an attribute without quotes", (text) => page(`<p title=${escaped(text())}>a</p>`)],
    ["an attribute whose quotes are not escaped", (text) => page(`<p title="${text().replaceAll("<", "&lt;")}">a</p>`)],
    ["an address that follows a text", (text) => page(`<a href="${escaped(text())}">a</a>`)],
    ["a text in a script", (text) => page(`<script>const name = ${JSON.stringify(text())};</script>`)],
    ["data that end their script", (text) => page(`<script type="application/json">${JSON.stringify(text())}</script>`)],
    ["a text in a comment", (text) => page(`<!-- ${escaped(text())} -->`)],
    ["no policy", (text) => page(escaped(text()), "")],
    ["a policy behind a script", (text) => page(escaped(text()), `<script>1</script><meta http-equiv="Content-Security-Policy" content="default-src 'none'">`)],
  ])("%s", (_, makePage) => expect(() => expectTextStaysText(makePage)).toThrow(/expected|Property failed/));

  test("and lets a page pass that escapes", () => {
    expectTextStaysText((text) => page(`<p title="${escaped(text())}">${escaped(text())}</p><script type="application/json">${JSON.stringify(text()).replaceAll("<", "\\u003c")}</script>`));
    expect(waysOut.length).toBeGreaterThan(40);
  });
});
