import { levels, matrixPaths } from "../../page/matrixPaths.js";
import { type Basis } from "../../page/basis.js";
import { formatG } from "../../formatG.js";
import { extent } from "../figure.js";
import { html, type Markup } from "../markup.js";
import { numeral, table } from "../table.js";
import { type Fold, limits } from "./fold.js";
import { labelOf } from "./heatMap.js";
import { idOf } from "./tokens.js";

/** How alike sentences are, before and after: two matrices beside each other, and for each sentence the one that is most like it. */
export function similaritySection(fold: Fold): Markup {
  const { cosines } = fold;
  const [lowest] = extent(Object.values(cosines).flat(2).filter((cosine) => !Number.isNaN(cosine)));
  const least = Math.min(0, Math.floor(10 * lowest) / 10); // one scale for all
  return html`<p class="readout note" aria-hidden="true">Point at a cell, or focus a matrix and use the arrow keys.</p>
<div class="matrices">
${matrix(cosines.original, { least, space: "original", title: "Original space", about: "activation vectors" })}
${matrix(cosines.vector, { least, space: "vector", title: "Sparse space", about: "features of the vectors" })}
${matrix(cosines.tokens, { least, space: "tokens", title: "Sparse space", about: "features, largest on the tokens" })}
</div>
<details><summary>The most similar sentence of each</summary>
${(["vector", "tokens"] as const).map((basis) => html`<div class="of-${basis}">${nearest(fold, basis)}</div>`)}</details>
`;
}

function matrix(cosines: number[][], { least, space, title, about }: { least: number; space: "original" | Basis; title: string; about: string }): Markup {
  const N = cosines.length;
  const between = cosines.flatMap((row, i) => row.slice(0, i)).filter((cosine) => !Number.isNaN(cosine));
  const undefinedRows = cosines.filter((row, i) => Number.isNaN(row[i])).length;
  const paths = matrixPaths(cosines.map((_, i) => i), (i, j) => (cosines[i][j] - least) / (1 - least));
  const mean = between.reduce((sum, cosine) => sum + cosine, 0) / between.length;
  const description = between.length === 0 ? "No two sentences can be compared." : `Cosines of ${N} sentences: mean ${formatG(mean)}, from ${formatG(extent(between)[0])} to ${formatG(extent(between)[1])}.`;
  return html`<figure class="${space === "original" ? "" : `of-${space}`}"><figcaption>${title} <span class="note">${about}</span></figcaption>
<div class="matrix" data-space="${space}" data-title="${title.toLowerCase()}" data-least="${least}" tabindex="0" role="img" aria-label="${title}, ${about}. ${description}"><svg viewBox="0 0 ${N} ${N}" aria-hidden="true"><rect width="${N}" height="${N}"/><g transform="translate(0 .5)">${paths.map((d, level) => html`<path style="--a:${(level / (levels - 1)).toFixed(3)}" d="${d}"/>`)}</g><path class="cross"/></svg></div>
<p class="note scale"><span>${least}</span><i></i><span>1</span> ${undefinedRows > 0 && `Blank: ${undefinedRows} of ${N} sentences have no active feature.`}</p></figure>
`;
}

function nearest({ cosines, sentences }: Fold, basis: Basis): Markup {
  const best = (row: readonly number[], i: number) => row.reduce((best, cosine, j) => (j !== i && cosine > (row[best] ?? -Infinity) ? j : best), -1);
  const cells = (row: readonly number[], i: number) => {
    const j = best(row, i);
    return j < 0 ? ["–", "–"] : [html`<a href="#${idOf(j)}">${j + 1}</a> ${labelOf(sentences[j].sentence)}`, numeral(row[j])];
  };
  return table({
    caption: `The most similar other sentence, in the original space and by features ${basis === "vector" ? "of the vectors" : "on the tokens"}`,
    header: ["Sentence", "Original", "Cosine", "Sparse", "Cosine"],
    rows: sentences.slice(0, limits.rows).map(({ sentence }, i) => [html`${i + 1} ${labelOf(sentence)}`, ...cells(cosines.original[i], i), ...cells(cosines[basis][i], i)]),
  });
}
