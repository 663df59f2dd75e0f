import { shown } from "./numbers.js";
import { element, svg } from "./element.js";

/** Bars of a histogram: a bin each, from 0 on; heights by the square root, so that rare strong activations are seen. */
export function bars({ width, bins }: { width: number; bins: readonly number[] }): HTMLElement {
  const [W, H, left, bottom] = [460, 150, 44, 26];
  const most = Math.max(...bins);
  const x = (bin: number) => left + (bin / bins.length) * (W - left - 8);
  const y = (n: number) => H - bottom - Math.sqrt(n / most) * (H - bottom - 10);
  const label = (text: string, at: { x: number; y: number }, anchor: string) => svg("text", { ...at, "text-anchor": anchor, fill: "currentColor", "font-size": 12 }, document.createTextNode(text));
  const line = (n: number) => [svg("line", { x1: left, x2: W - 8, y1: y(n), y2: y(n), stroke: "var(--rule)" }), label(shown(n), { x: left - 6, y: y(n) + 4 }, "end")];
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `How often it is how active: ${bins.map((n, i) => (n === 0 ? "" : `${shown(i * width)} to ${shown((i + 1) * width)}: ${n}`)).filter(Boolean).join("; ")}` },
    ...line(most),
    ...(most > 16 ? line(Math.round(most / 16)) : []),
    ...bins.map((n, i) => {
      const title = svg("title", {}, document.createTextNode(`${shown(i * width)} to ${shown((i + 1) * width)}: ${n.toLocaleString("en")} tokens`));
      return svg("rect", { x: x(i) + 0.5, width: Math.max(1, x(i + 1) - x(i) - 1), y: y(n), height: H - bottom - y(n), fill: "var(--series-1)" }, title);
    }),
    svg("line", { x1: left, x2: W - 8, y1: H - bottom, y2: H - bottom, stroke: "currentColor" }),
    ...[0, 0.5, 1].map((part) => label(shown(part * bins.length * width), { x: x(part * bins.length), y: H - 8 }, part === 1 ? "end" : part === 0 ? "start" : "middle")),
  );
  return element("figure", {}, element("figcaption", {}, "Activations ", element("span", { class: "note" }, "tokens by how active it is on them, not counting 0; heights by square root")), picture);
}
