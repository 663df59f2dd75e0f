import { binX, rectY, ruleX, ruleY } from "@observablehq/plot";
import { formatG } from "../../formatG.js";
import { type Reading } from "../../reading.js";
import { extent, figure } from "../figure.js";
import { html, type Markup } from "../markup.js";

/** Mean, variance and L0 of all sentences, of their activations above and of their features below. */
export function distributionsSection({ sentences, D, F }: Reading): Markup {
  const read = sentences.filter(({ tokens }) => tokens > 0);
  const l0 = read.map(({ activation }) => activation.reduce((count, value) => count + Number(value !== 0), 0));
  const spaces = [
    { space: "Original", fill: "var(--series-1)", width: D, of: (i: number) => ({ ...read[i].original, l0: l0[i] }) },
    { space: "Sparse", fill: "var(--series-2)", width: F, of: (i: number) => read[i].sparse },
  ];
  const statistics = [["mean", "mean"], ["variance", "variance"], ["l0", "L0"]] as const;
  return html`<div class="distributions">
${statistics.flatMap(([key, name]) =>
    spaces.map(({ space, fill, width, of }) => distribution(read.map((_, i) => of(i)[key]!), { title: `${space}: ${name}`, note: key === "l0" ? `of ${width.toLocaleString("en")} · ` : "", fill })),
  )}</div>
`;
}

function distribution(values: readonly number[], { title, note, fill }: { title: string; note: string; fill: string }): Markup {
  const [least, largest] = extent(values);
  if (values.length === 0) return html`<figure><figcaption>${title}</figcaption><p class="note">No sentence has tokens.</p></figure>`;
  const median = medianOf(values);
  if (least === largest) return html`<figure><figcaption>${title} <span class="note">${note}the same in all</span></figcaption><p class="same">${formatG(least)}</p></figure>`;
  return figure({
    title,
    description: `${values.length} sentences: median ${formatG(median)}, from ${formatG(least)} to ${formatG(largest)}`,
    note: `${note}median ${formatG(Number(median.toPrecision(3)))}`,
    plot: {
      width: 360,
      height: 140,
      marginLeft: 32,
      marginRight: 24,
      marginTop: 8,
      marginBottom: 26,
      x: { label: null, ticks: 4, nice: true, tickFormat: formatG },
      y: { label: null, ticks: 3, nice: true, grid: true, tickFormat: (count: number) => (Number.isInteger(count) ? count.toLocaleString("en") : "") },
      marks: [rectY(values, { ...binX({ y: "count" }, { x: (value: number) => value, thresholds: 24 }), fill, inset: 0.5 }), ruleY([0]), ruleX([median], { strokeWidth: 1.5, strokeDasharray: "4 3" })],
    },
  });
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const half = (sorted.length - 1) / 2;
  return (sorted[Math.floor(half)] + sorted[Math.ceil(half)]) / 2;
}
