import { type Reading } from "../reading.js";
import { depthFigure } from "./comparison/depthFigure.js";
import { denseRow, meanCosine } from "./comparison/meanCosine.js";
import { sentenceSection } from "./comparison/sentence.js";
import { type Placed, placed } from "./comparison/series.js";
import { type Content, html, type Markup } from "./markup.js";
import { style } from "./style.js";
import { numeral, table } from "./table.js";

/** Sentences are shown until there are so many lines of readings: more make a page that browsers are slow with. */
const mostLines = 3000;

export interface ComparisonOptions {
  /** When this was read: a date and time to read. */
  written: string;
  /** How many sentences were read, where the readings hold the first of them only. */
  sentences?: number;
}

/**
 * Readings of the same sentences at several sites, or with several dictionaries, as one page of HTML that needs nothing
 * else: no network, no script. Every text in it is text.
 * @param readings of the same sentences in the same order
 */
export function comparisonPage(readings: readonly Reading[], { written, sentences }: ComparisonOptions): string {
  const all = placed(readings);
  const { model } = readings[0];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>Readings of ${model} compared</title>
<style>${style}${own}</style>
</head>
<body>
<header><h1>Readings of ${model} compared</h1>
${lead(readings, { written, sentences })}</header>
<main>
<section aria-labelledby="readings"><h2 id="readings">Readings</h2>
${readingsTable(all)}</section>
<section aria-labelledby="depth"><h2 id="depth">With depth</h2>
<p class="quiet">How well the dictionaries describe the activations of all tokens, and how many features that takes.</p>
<div class="figures">
${depthFigure(all, { title: "Fraction of variance explained (FVE)", axis: "FVE", of: ({ reading }) => reading.metrics?.frac_variance_explained, floor: 0 })}${depthFigure(all, { title: "Cosine between an activation and its reconstruction", axis: "cosine", of: ({ reading }) => reading.metrics?.cossim })}${depthFigure(all, { title: "L0, active features a token", axis: "L0", of: ({ reading }) => reading.metrics?.l0 })}</div></section>
${similarity(all)}${sentenceSections(all)}</main>
</body>
</html>
`.text;
}

function lead(readings: readonly Reading[], { written, sentences }: ComparisonOptions): Markup {
  const [{ pooling, device, sentences: held }] = readings;
  const count = sentences ?? held.length;
  return html`<p>${readings.length} ${readings.length === 1 ? "reading" : "readings"} of ${count.toLocaleString("en")} sentences${count > held.length && `, of which the first ${held.length.toLocaleString("en")} are on this page`}. Pooling of tokens: ${pooling}. <span class="quiet">Computed on ${device}. Written ${written}.</span></p>
<nav aria-label="Parts of this page"><a href="#readings">Readings</a> <a href="#depth">With depth</a> <a href="#similarity">Similarity of sentences</a> <a href="#sentences">Sentences</a></nav>`;
}

function readingsTable(all: readonly Placed[]): Markup {
  return table({
    caption: "Each dictionary at its site; FVE, cosine and L0 are over all tokens that were read",
    header: ["Site", "Dictionary", "D", "F", "Tokens", "FVE", "Cosine", "L0 a token"],
    rows: all.map(({ reading: { site, dictionary, D, F, metrics } }) => [site, dictionary, numeral(D), numeral(F), ...(["tokens", "frac_variance_explained", "cossim", "l0"] as const).map((name): Content => (metrics ? numeral(metrics[name]) : "–"))]),
  });
}

/** How alike the sentences are to each other at each depth, as vectors and as features. */
function similarity(all: readonly Placed[]): Markup {
  const original = all.map(({ reading }) => meanCosine(reading.sentences.map(({ activation }) => denseRow(activation))));
  const sparse = all.map(({ reading }) => meanCosine(reading.sentences.map(({ features }) => features)));
  const pairs = original[0].vectors;
  return html`<section aria-labelledby="similarity"><h2 id="similarity">Similarity of sentences</h2>
<p class="quiet">The mean cosine between two of ${pairs.toLocaleString("en")} sentences with tokens: as the vectors that the model has of them, and as their features. A sentence without active features is left out of the second.</p>
<div class="figures">
${depthFigure(all, { title: "In the space of activations", axis: "cosine", of: (_, i) => original[i].mean })}${depthFigure(all, { title: "In the space of features", axis: "cosine", of: (_, i) => sparse[i].mean })}</div>
<details><summary>Numbers</summary>
${table({
  caption: "Mean cosine between two sentences",
  header: ["Reading", "As activations", "As features", "Sentences with features"],
  rows: all.map(({ label }, i) => [label, ...[original, sparse].map((cosines) => (cosines[i].mean === null ? "–" : numeral(cosines[i].mean))), numeral(sparse[i].vectors)]),
})}</details></section>
`;
}

function sentenceSections(all: readonly Placed[]): Markup {
  const { sentences } = all[0].reading;
  const shown = Math.min(sentences.length, Math.max(1, Math.floor(mostLines / all.length)));
  return html`<section aria-labelledby="sentences"><h2 id="sentences">Sentences</h2>
<p class="quiet">The strongest features of each sentence's vector, from layer to layer; numbers of features are their dictionary's own. Bars are as long as a feature is strong beside the sentence's strongest at sites of the same kind. L0 is how many are active in the vector; cosine and L0 a token are means over the sentence's tokens.${shown < sentences.length && ` Shown are the first ${shown.toLocaleString("en")} of ${sentences.length.toLocaleString("en")}.`}</p>
${Array.from({ length: shown }, (_, s) => sentenceSection(all, s))}</section>
`;
}

const own = `
nav a { margin-right: 1em; }
.legend { white-space: normal; overflow-wrap: anywhere; }
#readings ~ .wide :is(th, td):nth-child(2) { text-align: left; }
.sentence { margin: 1.5rem 0 2rem; break-inside: avoid; }
.sentence h3 { font-size: 1rem; margin: 0; }
.sentence .number { color: var(--quiet); font-weight: normal; margin-right: .4em; }
.sentence .wide { margin: .3rem 0; }
th.features, td.features { text-align: left; width: 100%; }
td.features ul { display: grid; grid-template-columns: repeat(5, minmax(6.5rem, 1fr)); gap: 0 .75rem; list-style: none; margin: 0; padding: 0; min-width: 36rem; }
.sentence th { white-space: nowrap; }
.bar { display: block; height: .3rem; margin-bottom: .1rem; background: var(--series-1); print-color-adjust: exact; }
`;
