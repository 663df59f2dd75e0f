import { bases, type Basis } from "../../page/basis.js";
import { formatG } from "../../formatG.js";
import { extent } from "../figure.js";
import { topFeatures } from "../../topFeatures.js";
import { html, type Markup } from "../markup.js";
import { shown } from "../shown.js";
import { type Fold, limits, type ShownSentence } from "./fold.js";

/** Every sentence as its tokens, for the script to colour, and its strongest features with bars. */
export function tokensSection({ sentences }: Fold): Markup {
  const scales = bases.map((basis) => ({ basis, largest: extent(sentences.flatMap(({ rows }) => topFeatures(rows[basis], 1).map(({ weight }) => weight)))[1] }));
  return html`<ol class="sentences">${sentences.map((sentence, i) => html`<li id="${idOf(i)}">
<p class="tokens" dir="auto" role="group" aria-label="Sentence ${i + 1}">${sentence.shown.map(({ text }) => html`<span>${visible(text)}</span>`)}</p>
${remark(sentence)}${scales.map(({ basis, largest }) => bars(sentence, i, { basis, largest }))}</li>
`)}</ol>
`;
}

export const idOf = (i: number) => `sentence-${i + 1}`;

/** A token that is only a line's end would not be seen. */
const visible = (text: string) => shown(text).replaceAll("\n", "↵\n");

function remark({ tokens, shown }: ShownSentence): Markup | undefined {
  if (tokens === 0) return html`<p class="note">No tokens.</p>`;
  return shown.length < tokens ? html`<p class="note">The first ${shown.length.toLocaleString("en")} of ${tokens.toLocaleString("en")} tokens.</p>` : undefined;
}

function bars({ rows }: ShownSentence, i: number, { basis, largest }: { basis: Basis; largest: number }): Markup {
  const top = topFeatures(rows[basis], limits.strongest);
  const of = basis === "vector" ? "its vector" : "its tokens";
  if (top.length === 0) return html`<p class="note of-${basis}">No feature is active in ${of}.</p>`;
  return html`<ol class="bars of-${basis}" aria-label="Strongest features of sentence ${i + 1}, in ${of}">${top.map(({ feature, weight }) => html`<li><button type="button" data-feature="${feature}" style="--w:${(Math.abs(weight) / largest).toFixed(3)}"><span class="unseen">feature </span><b>${feature}</b> <data value="${weight}">${formatG(Number(weight.toPrecision(3)))}</data></button></li>`)}</ol>
`;
}
