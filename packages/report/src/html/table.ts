import { formatG } from "../formatG.js";
import { type Content, html, type Markup } from "./markup.js";

export interface TableOptions {
  caption: string;
  /** Whose numbers these are, where the page has several such tables. */
  of?: string;
  /** The first column names its row. */
  header: readonly string[];
  rows: readonly (readonly Content[])[];
  /** Headers are buttons, for the page's script: see page/sortTable.ts. */
  sortable?: boolean;
}

/** A table with its caption; it scrolls by itself where it is wider than the page, by keyboard too. */
export function table({ caption, of, header, rows, sortable }: TableOptions): Markup {
  return html`<div class="wide" tabindex="0" role="region" aria-label="${caption}${of !== undefined && `: ${of}`}"><table${sortable && html` class="sortable"`}><caption>${caption}</caption>
<thead><tr>${header.map((name) => html`<th scope="col">${sortable ? html`<button type="button">${name}</button>` : name}</th>`)}</tr></thead>
<tbody>${rows.map(([name, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>
`)}</tbody></table></div>
`;
}

/** A number in six digits; the element holds all of them. Whole numbers are written out, what is not finite or missing is told. */
export function numeral(x: unknown): Content {
  if (x === undefined) return "–";
  if (x === null || Number.isNaN(x)) return "not a number";
  if (typeof x !== "number") return typeof x === "string" ? x : JSON.stringify(x);
  return html`<data value="${String(x)}">${Number.isSafeInteger(x) ? x.toLocaleString("en") : formatG(x)}</data>`;
}

/** A parameter as it was given. */
export function setting(value: unknown): string {
  if (value === null) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}
