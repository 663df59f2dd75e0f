// SVG plots of docs/plots out of results/*.json.
import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { profiled } from "./tables.js";
import { targetLines } from "./targets.js";

/** @param before results of what is compared with @returns { name: svg } */
export function plots(results, before) {
  const made = {};
  const bars = targetLines(results).filter(({ isSpeed }) => isSpeed).map((line) => ({ ...line, name: `${line.label}, ${line.kind}` }));
  if (bars.length)
    made.targets = svg({
      height: 60 + 24 * bars.length,
      width: 1000,
      marginLeft: 540,
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
  for (const { name, was, is } of profiled(results, before)) made[`profile-${name}`] = profilePlot({ before: was?.profile, now: is?.profile });
  return made;
}

/** Where the time of a turn went, before and now: the eight longest ops, and the others together. */
function profilePlot(profiles) {
  const parts = Object.entries(profiles).flatMap(([when, profile]) => (profile ? [...profile.ops, { op: "outside ops", seconds: profile.outside }].map(({ op, seconds }) => ({ when, op, seconds })) : []));
  const sum = (wanted) => parts.reduce((all, part) => all + (wanted(part) ? part.seconds : 0), 0);
  const largest = [...new Set(parts.map(({ op }) => op))].toSorted((a, b) => sum(({ op }) => op === b) - sum(({ op }) => op === a)).slice(0, 8);
  const order = [...largest, "others"];
  const whens = Object.keys(profiles).filter((when) => profiles[when]);
  const bars = whens.flatMap((when) =>
    order.map((op) => {
      const seconds = sum((part) => part.when === when && (op === "others" ? !largest.includes(part.op) : part.op === op));
      return { when, op, ms: seconds * 1e3, text: seconds > 0.07 * profiles[when].seconds ? `${op}\n${Math.round(seconds * 1e3)}` : "" };
    }),
  );
  return svg({
    height: 50 + 50 * whens.length,
    marginLeft: 60,
    color: { domain: order, scheme: "observable10" },
    x: { label: "ms a turn", grid: true },
    y: { label: null, domain: whens },
    marks: [Plot.barX(bars, Plot.stackX({ x: "ms", y: "when", z: "op", order, fill: "op" })), Plot.text(bars, Plot.stackX({ x: "ms", y: "when", z: "op", order, text: "text", fill: "white" })), Plot.ruleX([0])],
  });
}

function svg(options) {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const plot = Plot.plot({ document, width: 860, style: { background: "white", color: "black" }, ...options });
  plot.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return `${plot.outerHTML}\n`;
}
