import { formatG } from "../formatG.js";
import { toBase64 } from "../page/base64.js";
import { bases } from "../page/basis.js";
import { hash, script } from "../page/sentences.generated.js";
import { type SentencesData } from "../page/sentencesData.js";
import { type Reading } from "../reading.js";
import { documentOf } from "./document.js";
import { type Content, html, type Markup } from "./markup.js";
import { distributionsSection } from "./sentences/distributions.js";
import { type Fold, fold, limits, valueIn } from "./sentences/fold.js";
import { heatMap } from "./sentences/heatMap.js";
import { similaritySection } from "./sentences/similarity.js";
import { statisticsTable } from "./sentences/statisticsTable.js";
import { sentencesStyle } from "./sentences/style.js";
import { tokensSection } from "./sentences/tokens.js";

/**
 * Sentences as features, as one page of HTML that needs nothing else: no network, no other file. Every text in it is text.
 * @param options.written when this was read: a date and time to read
 * @param options.sentences how many were read, where the reading holds only the first of them
 */
export function sentencesPage(reading: Reading, { written, sentences: all = reading.sentences.length }: { written: string; sentences?: number }): string {
  const folded = fold(reading);
  const sections: readonly { id: string; title: string; about?: Content; content: Content }[] = [
    { id: "tokens", title: "Tokens", about: html`Shades show how strongly the chosen feature is active on each token. <span class="controls">Point at a token, or go from one to the next with the arrow keys, to see its features; click or press Enter to keep them in view.</span>`, content: html`<div class="reader">${tokensSection(folded)}${panel()}</div>` },
    { id: "heat-map", title: "Sentences and features", about: html`<span class="controls">Choose a feature at the top of its column. <output class="heat-readout"></output></span>`, content: bases.map((basis) => heatMap(folded, basis)) },
    { id: "similarity", title: "Similarity of sentences", about: "Cosines between sentences, in the space of activations and in that of features, in the same order.", content: similaritySection(folded) },
    { id: "distributions", title: "Distributions", about: "How many sentences have which mean, variance and number of values that are not 0 (L0). The dashed line is the median.", content: distributionsSection(reading) },
    { id: "statistics", title: "Statistics", content: statisticsTable(folded.sentences) },
  ];
  return documentOf({
    title: `Sentences as features of ${reading.dictionary}`,
    lead: html`${facts(reading, written)}${cuts(folded, all)}
<nav aria-label="Parts of this page">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a> `)}</nav>
`,
    style: sentencesStyle,
    main: html`${controls(folded)}${sections.map(({ id, title, about, content }) => html`<section aria-labelledby="${id}"><h2 id="${id}">${title}</h2>
${about && html`<p class="quiet">${about}</p>`}${content}</section>
`)}<p class="unseen" role="status"></p>
`,
    script: { script, hash },
    data: dataOf(folded),
  });
}

function facts({ model, dictionary, site, pooling, device, D, F, metrics, sentences }: Reading, written: string): Markup {
  const tokens = sentences.reduce((sum, sentence) => sum + sentence.tokens, 0);
  const measures = metrics ? [["Variance explained", metrics.frac_variance_explained], ["Cosine with the reconstruction", metrics.cossim], ["L0, features a token", metrics.l0]] as const : [];
  return html`<p>${sentences.length.toLocaleString("en")} sentences (${tokens.toLocaleString("en")} tokens) in the model <b>${model}</b> at <b>${site}</b> (${D.toLocaleString("en")} dimensions) and the dictionary <b>${dictionary}</b> (${F.toLocaleString("en")} features).<br>
<span class="quiet">Pooling of tokens: ${pooling}. Computed on ${device}. Written ${written}.</span></p>
${measures.length > 0 && html`<dl class="measures">${measures.map(([name, value]) => html`<div><dt>${name}</dt><dd><data value="${value}">${formatG(Number(value.toPrecision(3)))}</data></dd></div>`)}</dl>`}`;
}

/** What the page leaves out. */
function cuts({ reading, sentences, kept }: Fold, all: number): Markup | undefined {
  const count = (n: number) => n.toLocaleString("en");
  const shownTokens = sentences.reduce((sum, { shown }) => sum + shown.length, 0);
  const allTokens = sentences.reduce((sum, { perToken }) => sum + perToken.length, 0);
  const cut = [
    all > sentences.length && `the first ${count(sentences.length)} of ${count(all)} sentences (in distributions ${reading.sentences.length < all ? `the first ${count(reading.sentences.length)}` : "all"})`,
    sentences.length > limits.rows && `in heat map and matrices the first ${limits.rows}`,
    shownTokens < allTokens && `${count(shownTokens)} of ${count(allTokens)} tokens, the beginnings of long sentences`,
    kept.features.length < kept.active && `of the ${count(kept.active)} features that are active on tokens the ${count(kept.features.length)} strongest, with all their activations`,
  ].filter((part) => part !== false);
  return cut.length > 0 ? html`<p class="cut">To stay small, this page shows ${cut.join("; ")}.</p>` : undefined;
}

/** What is chosen for the whole page; it stays at the top while the page scrolls. */
function controls({ basis, reading: { F, pooling }, sentences }: Fold): Markup {
  const names = { vector: `of its vector (${pooling})`, tokens: "of its tokens (strongest)" };
  const silent = sentences.filter(({ sparse }) => !sparse.l0).length;
  return html`<form class="bar">
<label class="controls">Feature <input type="number" id="feature" min="0" max="${F - 1}" step="1" autocomplete="off"></label>
<output for="feature" id="about-feature"></output>
<label class="controls">A sentence's features <select id="basis" autocomplete="off">${bases.map((one) => html`<option value="${one}"${one === basis && html` selected`}>${names[one]}</option>`)}</select></label>
<label class="controls">Order <select id="order" autocomplete="off"><option value="given">as given</option><option value="features">by similar features</option><option value="original">by similar activations</option></select></label>
</form>
${silent > 0 && html`<p class="note of-vector">In the vectors of ${silent} of ${sentences.length} sentences no feature is active${pooling === "mean" && ": a mean of activations is shorter than each of them, and passes fewer thresholds"}. Those on tokens can be chosen instead.</p>`}`;
}

/** What the script says of the token that is pointed at, and of the chosen feature. */
function panel(): Markup {
  return html`<aside class="panel controls" aria-label="Values">
<h3 class="token-name">No token yet</h3>
<p class="token-about note">Point at a token.</p>
<ol class="bars token-features"></ol>
<h3 class="places-title">No feature yet</h3>
<ol class="places"></ol>
</aside>`;
}

/** The strongest feature that is not in most sentences, and so tells them apart. */
function firstChosen({ columns, basis, sentences, kept }: Fold): number | null {
  const telling = columns[basis].find((feature) => 2 * sentences.filter(({ rows }) => valueIn(rows[basis], feature) !== 0).length <= sentences.length);
  return telling ?? columns[basis][0] ?? kept.features[0] ?? null;
}

function dataOf(folded: Fold): SentencesData {
  const { reading: { F }, sentences, kept, cosines, sentenceOrders, featureOrders } = folded;
  const tokens = sentences.flatMap(({ shown }) => shown);
  return {
    F,
    tokens: sentences.map(({ shown }) => shown.length),
    l0: toBase64(Uint32Array.from(tokens, ({ features: { values } }) => Array.from(values).filter((value) => value !== 0).length)),
    features: kept.features,
    counts: kept.counts,
    places: toBase64(kept.places),
    values: toBase64(kept.values),
    chosen: firstChosen(folded),
    rows: cosines.original.length,
    cosines: { original: toBase64(Float32Array.from(cosines.original.flat())), vector: toBase64(Float32Array.from(cosines.vector.flat())), tokens: toBase64(Float32Array.from(cosines.tokens.flat())) },
    sentenceOrders,
    featureOrders,
  };
}
