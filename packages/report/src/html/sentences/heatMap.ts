import { type Basis } from "../../page/basis.js";
import { formatG } from "../../formatG.js";
import { html, type Markup } from "../markup.js";
import { shown } from "../shown.js";
import { type Fold, limits, valueIn } from "./fold.js";
import { idOf } from "./tokens.js";

/** Sentences in rows, the strongest features in columns, shades for what is between them; a table to those who do not see it. */
export function heatMap({ sentences, columns: all }: Fold, basis: Basis): Markup {
  const columns = all[basis];
  const rows = sentences.slice(0, limits.rows).map((sentence) => ({ sentence, values: columns.map((feature) => valueIn(sentence.rows[basis], feature)) }));
  const largest = rows.reduce((most, { values }) => values.reduce((most, value) => Math.max(most, Math.abs(value)), most), 0);
  const name = `The ${columns.length} strongest features over all sentences, ${basis === "vector" ? "in their vectors" : "largest on their tokens"}`;
  if (columns.length === 0) return html`<p class="of-${basis}">No feature is active in any sentence's ${basis}.</p>`;
  return html`<div class="wide of-${basis}" tabindex="0" role="region" aria-label="${name}"><table class="heat" data-basis="${basis}"><caption><span>${name} <span class="note scale"><span>0</span><i></i><span>${formatG(largest)}</span></span></span></caption>
<thead><tr><th scope="col">Sentence</th>${columns.map((feature) => html`<th scope="col"><button type="button" data-feature="${feature}">${feature}</button></th>`)}</tr></thead>
<tbody>${rows.map(({ sentence, values }, i) => html`<tr><th scope="row"><a href="#${idOf(i)}">${i + 1}</a> ${labelOf(sentence.sentence)}</th>${values.map((value) => (value === 0 ? html`<td></td>` : html`<td style="--a:${(Math.abs(value) / largest).toFixed(2)}">${formatG(value)}</td>`))}</tr>
`)}</tbody></table></div>
`;
}

/** The beginning of a sentence, on one line. */
export function labelOf(sentence: string): string {
  const line = shown(sentence.slice(0, 120)).replace(/\s+/g, " ").trim();
  return sentence.length > 120 ? `${line}…` : line;
}
