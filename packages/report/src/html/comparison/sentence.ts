import { formatG } from "../../formatG.js";
import { type SentenceDetail } from "../../reading.js";
import { type FeatureWeight, topFeatures } from "../../topFeatures.js";
import { type Content, html, type Markup } from "../markup.js";
import { numeral } from "../table.js";
import { type Placed } from "./series.js";

const features = 5; // of each reading
const characters = 400; // of a sentence

/** A sentence through all readings, a line each: how well its tokens are described, and its strongest features. */
export function sentenceSection(readings: readonly Placed[], s: number): Markup {
  const details = readings.map(({ reading }) => reading.sentences[s]);
  const { sentence, tokens } = details[0];
  const id = `sentence-${s + 1}`;
  const tops = details.map((detail) => topFeatures(detail.features, features));
  const strongest = new Map<string, number>(); // of each series: a residual stream's features are stronger than an MLP's
  tops.forEach((top, i) => strongest.set(readings[i].series, Math.max(strongest.get(readings[i].series) ?? 0, ...top.map(({ weight }) => weight))));
  const measured = details.some(({ metrics }) => metrics);
  return html`<section class="sentence" aria-labelledby="${id}"><h3 id="${id}"><span class="number">${s + 1}</span> <bdi>${shown(sentence)}</bdi></h3>
${tokens === 0 ? html`<p class="quiet">No tokens.</p>` : html`<div class="wide" tabindex="0" role="region" aria-label="Sentence ${s + 1}: readings"><table><thead><tr><th scope="col">Reading</th>${measured && html`<th scope="col">Cosine</th><th scope="col">L0 a token</th>`}<th scope="col">L0</th><th scope="col" class="features">Strongest features</th></tr></thead>
<tbody>${details.map((detail, i) => row(readings[i].label, detail, { top: tops[i], strongest: strongest.get(readings[i].series)!, measured }))}</tbody></table></div>`}</section>
`;
}

function row(label: string, { sparse, metrics }: SentenceDetail, { top, strongest, measured }: { top: readonly FeatureWeight[]; strongest: number; measured: boolean }): Markup {
  return html`<tr><th scope="row">${label}</th>${measured && html`<td>${metrics ? numeral(metrics.cossim) : "–"}</td><td>${metrics ? numeral(metrics.l0) : "–"}</td>`}<td>${numeral(sparse.l0)}</td><td class="features">${top.length === 0 ? html`<span class="quiet">none is active</span>` : html`<ul>${top.map((feature) => bar(feature, strongest))}</ul>`}</td></tr>
`;
}

/** A feature, its weight, and a bar as long as the weight is of the strongest. */
function bar({ feature, weight }: FeatureWeight, strongest: number): Markup {
  return html`<li><b>${feature}</b> <data value="${String(weight)}">${formatG(weight)}</data><span class="bar" style="width: ${strongest > 0 ? ((100 * Math.max(0, weight)) / strongest).toFixed(1) : "0"}%"></span></li>`;
}

function shown(sentence: string): Content {
  const all = Array.from(sentence.slice(0, 2 * characters)); // code points
  if (sentence === "") return html`<span class="quiet">(an empty sentence)</span>`;
  return all.length > characters ? [all.slice(0, characters).join(""), html`… <span class="note">(${sentence.length.toLocaleString("en")} characters)</span>`] : sentence;
}
