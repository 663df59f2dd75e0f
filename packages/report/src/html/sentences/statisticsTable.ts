import { statisticsHeaders, topHeader } from "../../reportCells.js";
import { type SentenceReport } from "../../analysis.js";
import { type Content, html, type Markup } from "../markup.js";
import { shown } from "../shown.js";
import { numeral, table } from "../table.js";

/** Of longer sentences the table shows the beginning. */
const mostCharacters = 1000;

/** What `formatJson` writes, every number with all its digits; it can be sorted and filtered. */
export function statisticsTable(sentences: readonly SentenceReport[]): Markup {
  const withTop = sentences.some(({ top }) => top.length > 0);
  return html`<p class="controls filter"><label>Show rows with <input type="search" id="filter" placeholder="words, or a number" autocomplete="off"></label> <output for="filter"></output></p>
${table({
    caption: "Statistics of every sentence's vector and of its features",
    sortable: true,
    header: ["Sentence", "No.", "Tokens", ...statisticsHeaders, "Sparse L0", ...(withTop ? [topHeader] : [])],
    rows: sentences.map(({ sentence, tokens, original, sparse, top }, i) => [
      html`<span class="clipped" dir="auto">${clipped(sentence)}</span>`,
      numeral(i + 1),
      numeral(tokens),
      ...[original, sparse].flatMap(({ mean, variance, maxWeight, maxPosition }) => [cell(mean), cell(variance), cell(maxWeight), place(maxPosition)]),
      cell(sparse.l0),
      ...(withTop ? [top.map(({ feature, weight }) => html`<span class="pair">${feature}:${numeral(weight)}</span> `)] : []),
    ]),
  })}`;
}

/** null is a sentence without tokens. */
const cell = (value: number | null) => numeral(value ?? undefined);

/** A place is a name, without commas. */
const place = (value: number | null) => (value === null ? numeral(undefined) : html`<data value="${value}">${value}</data>`);

function clipped(sentence: string): Content {
  if (sentence.trim() === "") return html`<i class="quiet">${sentence === "" ? "empty" : "blank"}</i>`;
  return sentence.length <= mostCharacters ? shown(sentence) : `${shown(sentence.slice(0, mostCharacters))}… (${(sentence.length - mostCharacters).toLocaleString("en")} characters more)`;
}
