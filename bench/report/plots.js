// SVG plots of docs/plots out of results/*.json.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { targetLines } from "./targets.js";

/** @returns { name: svg } */
export function plots(results) {
  const made = {};
  const reached = targetLines(results).filter(({ measured, kind }) => measured !== undefined && kind !== "memory");
  const bars = reached.map((line) => ({ ...line, must: line.must[0] ?? line.must, name: `${line.label}, ${line.kind}` }));
  if (bars.length)
    made.targets = svg({
      height: 60 + 24 * bars.length,
      marginLeft: 430,
      x: { label: "times as fast as PyTorch (threads: as one thread)", grid: true, domain: [0, Math.max(...bars.map(({ measured, aim = 0 }) => Math.max(measured, aim)))] },
      y: { label: null, domain: bars.map(({ name }) => name) },
      marks: [
        Plot.barX(bars, { x: "measured", y: "name", fill: ({ measured, must }) => (measured >= must ? "#4269d0" : "#ff725c") }),
        Plot.tickX(bars, { x: "must", y: "name", stroke: "black", strokeWidth: 2 }),
        Plot.tickX(bars.filter(({ aim }) => aim !== undefined), { x: "aim", y: "name", stroke: "black", strokeDasharray: "2,2" }),
        Plot.ruleX([1]),
      ],
    });
  const marks = results.scaling?.tokens?.sides.ours.facts.marks;
  if (marks) {
    const x = { type: "log", label: "tokens so far", grid: true };
    made.tokens = svg({ height: 240, marginLeft: 60, x, y: { label: "µs a token", zero: true, grid: true }, marks: [Plot.lineY(marks, { x: "tokens", y: ({ secondsPerToken }) => secondsPerToken * 1e6, marker: true, stroke: "#4269d0" }), Plot.ruleY([0])] });
    made.memory = svg({ height: 240, marginLeft: 60, x, y: { label: "MiB resident", zero: true, grid: true }, marks: [Plot.lineY(marks, { x: "tokens", y: "residentMiB", marker: true, stroke: "#4269d0" }), Plot.ruleY([0])] });
  }
  return made;
}

function svg(options) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const plot = Plot.plot({ document, width: 860, style: { background: "white", color: "black" }, ...options });
  plot.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${plot.outerHTML}\n`;
}
