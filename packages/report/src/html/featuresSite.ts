import { type FeatureDetail, type FeatureExample, type FeatureSet } from "../featureDetail.js";
import { featureDensity } from "../featureDensity.js";
import { script, hash } from "../page/features.generated.js";
import { densityFigure } from "./densityFigure.js";
import { documentOf } from "./document.js";
import { type ExampleData, type FeatureData, featuresOfFile, type IndexData } from "./featuresData.js";
import { featuresStyle } from "./featuresStyle.js";
import { html, type Markup } from "./markup.js";
import { table } from "./table.js";

/**
 * The page of a dictionary's features: a list to search and sort, and behind `#1234` a feature. What it shows lies in files
 * beside it, `data/index.js`, `data/vocabulary.js`, `data/0.js` and so on, of 256 features each. They are scripts, since a
 * page that was opened from a disk may load nothing else.
 * @param counts tokens that each feature was active on, [F]
 */
export function featuresPage(set: FeatureSet, counts: ArrayLike<number>): string {
  const { F, tokens, site, model, dictionary, texts, rows } = set;
  const density = featureDensity(counts, tokens);
  return documentOf({
    title: `Features at ${site}`,
    lead: html`<p>${n(F)} features of the dictionary <b>${dictionary}</b> at <b>${site}</b> of <b>${model}</b>, on ${n(tokens)} tokens in ${n(rows)} rows of <b>${texts}</b>. ${density.silent > 0 && `${n(density.silent)} ${density.silent === 1 ? "was" : "were"} active on none of them.`}</p>`,
    style: featuresStyle,
    main: html`<noscript><p>The list and the features need JavaScript.</p></noscript>
<section id="list" aria-label="All features">
<div class="top"><div>
<form role="search" id="search">
<label>Feature or token <input id="query" type="search" autocomplete="off" spellcheck="false" placeholder="123, or  peace" aria-describedby="hint"></label>
<label>Tokens that it <select id="where"><option value="both">fires on or promotes</option><option value="peaks">fires on</option><option value="promotes">promotes</option></select></label>
<label>Active on <select id="density"><option value="any">any share of tokens</option>${ranges.map(({ value, text }) => html`<option value="${value}">${text}</option>`)}<option value="never">none</option></select></label>
</form>
<p class="note" id="hint">A number opens that feature; other text finds features by their tokens, blanks included. Keys: <kbd>/</kbd> searches, <kbd>n</kbd> and <kbd>p</kbd> turn pages and features, <kbd>Esc</kbd> comes back here.</p>
<p id="found" role="status"></p>
</div>
${densityFigure(density, "tokens", 170)}</div>
<div class="wide" tabindex="0" role="region" aria-label="Features"><table class="features"><caption class="hidden">Features; headers sort</caption>
<thead><tr>${columns.map(({ key, title }) => html`<th scope="col"${key === "index" && html` aria-sort="ascending"`}>${key === undefined ? title : html`<button type="button" data-key="${key}">${title}</button>`}</th>`)}</tr></thead>
<tbody id="rows"></tbody></table></div>
<nav aria-label="Pages of the list"><button type="button" id="back">Previous page</button> <span id="page"></span> <button type="button" id="on">Next page</button></nav>
${aboutTable(set)}
</section>
<article id="feature" hidden></article>`,
    script: { script, hash },
    data: { F, featuresOfFile, hasLens: set.lens !== undefined },
    dataScripts: true,
  });
}

const n = (count: number) => count.toLocaleString("en");

const ranges = [
  { value: "-1", text: "more than 10%" },
  { value: "-2", text: "1% to 10%" },
  { value: "-3", text: "0.1% to 1%" },
  { value: "-4", text: "0.01% to 0.1%" },
  { value: "-9", text: "less than 0.01%" },
];

const columns = [
  { key: "index", title: "Feature" },
  { key: "count", title: "Density" },
  { key: "max", title: "Largest" },
  { key: "mean", title: "Mean if active" },
  { key: undefined, title: "Fires most on" },
  { key: undefined, title: "Promotes" },
];

function aboutTable({ F, D, tokens, rows, contextLength, skipFirst, lens, model, dictionary, site, texts }: FeatureSet): Markup {
  const lines: [string, string][] = [
    ["Model", model], ["Dictionary", `${dictionary} (F = ${n(F)}, D = ${n(D)})`], ["Site", site], ["Texts", texts],
    ["Tokens", `${n(tokens)} in ${n(rows)} rows of at most ${n(contextLength)}${skipFirst > 0 ? `; the first ${skipFirst} of each row left out` : ""}`],
    ["Density", "share of the tokens on which the feature is not 0"],
    ["Examples", "one a row, around the row's largest activation"],
    ["Promoted, suppressed", lens ?? "not told: nothing at this site reaches the logits but through a layer"],
    ["Taken out", "at every token up to the peak, what the feature adds to the reconstruction is taken from the site's activation; probabilities are of the next token"],
    ["Nearest", "cosine of decoder rows"],
  ];
  return html`<details><summary>How these numbers were made</summary>
${table({ caption: "What they are of", header: ["", ""], rows: lines })}</details>`;
}

/** `data/NAME.js` */
const dataFile = (name: string, data: unknown): string => `featureData(${JSON.stringify(name)},${JSON.stringify(data)});\n`;

/** The text of `data/vocabulary.js`. @param texts of each token id */
export const vocabularyFile = (texts: readonly string[]): string => dataFile("vocabulary", texts);

/** The list's columns, filled file by file. */
export class FeaturesIndex {
  readonly #data: { tokens: number; count: number[]; max: number[]; mean: number[]; peaks: number[][]; promotes: number[][] };
  constructor({ tokens }: FeatureSet) {
    this.#data = { tokens, count: [], max: [], mean: [], peaks: [], promotes: [] };
  }

  /** @param details of the next features */
  add(details: readonly FeatureDetail[]): void {
    const { count, max, mean, peaks, promotes } = this.#data;
    for (const detail of details) {
      count.push(detail.count);
      max.push(short(detail.max));
      mean.push(short(detail.mean));
      peaks.push([...new Set(detail.examples.map(({ tokens, peak }) => tokens[peak]))].slice(0, 3));
      promotes.push(detail.promoted.slice(0, 10).map(({ token }) => token));
    }
  }

  /** The text of `data/index.js`. */
  file(): string {
    return dataFile("index", this.#data satisfies IndexData);
  }
}

/**
 * The text of `data/N.js`.
 * @param details of features 256 N and on, 256 of them or up to the last
 * @param textOf what the tokens of an example stand for, where that does not follow from each alone
 */
export function featuresFile(details: readonly FeatureDetail[], textsOf: (tokens: readonly number[]) => readonly (string | undefined)[] = () => []): string {
  const example = ({ row, position, peak, tokens, values, ablation }: FeatureExample): ExampleData => {
    const texts = textsOf(tokens);
    return {
      row, position, peak,
      tokens: tokens.map((token, i) => texts[i] ?? token),
      values: values.flatMap((value, i) => (value === 0 ? [] : [i, short(value)])),
      ...(ablation && {
        ablation: {
          loss: ablation.lossChange === undefined ? null : short(ablation.lossChange),
          falls: ablation.falls.flatMap(({ token, before, after }) => [token, short(before), short(after)]),
          rises: ablation.rises.flatMap(({ token, before, after }) => [token, short(before), short(after)]),
        },
      }),
    };
  };
  const data = details.map(
    ({ index, count, max, mean, histogram, examples, samples, promoted, suppressed, nearest }): [number, FeatureData] => [
      index,
      {
        count,
        max: short(max),
        mean: short(mean),
        width: histogram.width,
        bins: histogram.counts,
        examples: examples.map(example),
        samples: samples.map(example),
        promoted: promoted.flatMap(({ token, weight }) => [token, short(weight)]),
        suppressed: suppressed.flatMap(({ token, weight }) => [token, short(weight)]),
        nearest: nearest.flatMap(({ index, cosine }) => [index, short(cosine)]),
      },
    ],
  );
  return dataFile(String(Math.floor(data[0][0] / featuresOfFile)), data.map(([, feature]) => feature));
}

/** Five digits: what a page shows, and more. */
const short = (x: number): number => Number(x.toPrecision(5));
