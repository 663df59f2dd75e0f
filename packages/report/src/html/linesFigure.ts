import { areaY, dot, lineY, type PlotOptions } from "@observablehq/plot";
import { formatG } from "../formatG.js";
import { extent, figure, scaleFor, strokes } from "./figure.js";
import { html, type Markup } from "./markup.js";
import { finite, type MetricsLine, thin } from "./thin.js";

/** Points of a line: about as many as the plot is wide. */
const most = 500;

/**
 * Columns of the metrics over tokens, in one plot.
 * @param floor values below are left out, and the caption says so
 * @returns undefined where no column has a finite number
 */
export function linesFigure(lines: readonly MetricsLine[], { title, columns, floor }: { title: string; columns: readonly string[]; floor?: number }): Markup | undefined {
  const drawn = columns.map((name) => ({ name, values: finite(lines, name) })).filter(({ values }) => values.length > 0);
  if (drawn.length === 0) return undefined;
  const all = drawn.flatMap(({ values }) => values);
  const below = floor === undefined ? 0 : all.filter((value) => value < floor).length;
  const series = drawn.map(({ name }, i) => ({
    name,
    points: thin(lines, { x: "tokens", y: name, most }).map((point) => (floor !== undefined && point.low !== null && point.low < floor ? { ...point, y: null, low: null, high: null } : point)),
    stroke: strokes[i % strokes.length],
  }));
  const isThinned = lines.length > most;
  const [least, largest] = extent(all);
  const y: PlotOptions["y"] = below > 0 ? { domain: [floor!, Math.max(largest, floor! + 1)] } : least === largest ? { domain: [Math.min(0, least), Math.max(0, largest) || 1] } : { type: scaleFor(all, 100) };
  const remarks = [
    below > 0 && `${below} of ${all.length} values lie below ${floor} and are left out`,
    isThinned && "lines are means of neighbouring log lines, shades their least and largest",
  ].filter((remark) => remark !== false);

  return figure({
    title,
    description: drawn.map(({ name, values }) => `${name}: ${described(values)}`).join("; "),
    note: [drawn.length > 1 && series.map(({ name, stroke }) => legend(name, stroke)), remarks.join("; ")],
    plot: {
      x: { label: "tokens", tickFormat: "~s", ticks: 6 },
      y: { label: null, grid: true, nice: true, ...y },
      marks: series.flatMap(({ points, stroke }) => [
        ...(isThinned ? [areaY(points, { x: "x", y1: "low", y2: "high", fill: stroke.stroke, fillOpacity: 0.2 })] : []),
        lineY(points, { x: "x", y: "y", ...stroke }),
        ...(points.length <= 30 ? [dot(points, { x: "x", y: "y", r: 2.5, fill: stroke.stroke })] : []),
      ]),
    },
  });
}

function described(values: readonly number[]): string {
  if (values.length === 1) return `${formatG(values[0])}, one value`;
  const [least, largest] = extent(values);
  return `from ${formatG(values[0])} to ${formatG(values.at(-1)!)}, least ${formatG(least)}, largest ${formatG(largest)}`;
}

const legend = (name: string, { stroke, strokeDasharray }: (typeof strokes)[number]): Markup =>
  html`<span class="legend"><svg width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" stroke="${stroke}" stroke-width="2" stroke-dasharray="${strokeDasharray}"/></svg>${name}</span> `;
