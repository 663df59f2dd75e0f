import { dot, lineY } from "@observablehq/plot";
import { formatG } from "../../formatG.js";
import { extent, figure, strokes } from "../figure.js";
import { html, type Markup } from "../markup.js";
import { type Placed } from "./series.js";

const symbols = ["circle", "triangle", "square", "diamond", "star"] as const;

/**
 * A measure of each reading over the layers: a line for each kind of site and dictionary, a point for each reading.
 * @param floor values below are left out, and the caption says so
 * @returns undefined where none has a finite value
 */
export function depthFigure(readings: readonly Placed[], { title, of, axis, floor }: { title: string; axis: string; of: (placed: Placed, index: number) => number | null | undefined; floor?: number }): Markup | undefined {
  const all = readings.flatMap((one, i) => {
    const y = of(one, i);
    return Number.isFinite(y) ? [{ ...one, y: y as number }] : [];
  });
  if (all.length === 0) return undefined;
  const points = all.filter(({ y }) => floor === undefined || y >= floor);
  const series = [...new Set(readings.map((one) => one.series))];
  const styleOf = (name: string) => ({ ...strokes[series.indexOf(name) % strokes.length], symbol: symbols[series.indexOf(name) % symbols.length] });
  const [first, last] = extent(readings.map(({ depth }) => depth));
  const [least, largest] = extent(points.map(({ y }) => y));
  const layers = readings.filter(({ reading: { site } }) => site.startsWith("layers.")).map(({ depth }) => depth);
  const [, deepest] = extent(layers);
  const every = Math.ceil((last - first + 1) / 12);
  const below = all.length - points.length;

  return figure({
    title,
    description: all.map(({ label, y }) => `${label}: ${formatG(y)}`).join("; "),
    note: [series.length > 1 && series.map((name) => legend(name, styleOf(name))), below > 0 && `${below} of ${all.length} values lie below ${floor} and are left out`],
    plot: {
      x: {
        label: "layer", domain: first === last ? [first - 0.5, last + 0.5] : [first, last], inset: 12,
        ticks: Array.from({ length: last - first + 1 }, (_, i) => first + i).filter((depth) => (depth - first) % every === 0 || depth === last),
        tickFormat: (depth: number) => (depth < 0 ? "embed" : depth > deepest ? "final norm" : String(depth)),
      },
      y: { label: axis, grid: true, nice: true, ...(least === largest && { domain: [Math.min(0, least), Math.max(0, largest) || 1] }) },
      marks: series.flatMap((name) => {
        const { symbol, ...stroke } = styleOf(name);
        const own = points.filter((point) => point.series === name).sort((a, b) => a.depth - b.depth);
        return [lineY(own, { x: "depth", y: "y", ...stroke }), dot(own, { x: "depth", y: "y", r: 4, symbol, stroke: stroke.stroke, fill: "var(--page)", strokeWidth: 2, title: (point: (typeof own)[number]) => `${point.label}: ${formatG(point.y)}` })];
      }),
    },
  });
}

const drawn = { circle: "○", triangle: "△", square: "□", diamond: "◇", star: "☆" };

const legend = (name: string, { stroke, strokeDasharray, symbol }: ReturnType<() => (typeof strokes)[number] & { symbol: (typeof symbols)[number] }>): Markup =>
  html`<span class="legend"><svg width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" stroke="${stroke}" stroke-width="2" stroke-dasharray="${strokeDasharray}"/></svg><span style="color: ${stroke}">${drawn[symbol]}</span> ${name}</span> `;
