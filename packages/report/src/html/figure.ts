import { plot, type PlotOptions } from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type Content, html, Markup } from "./markup.js";

export interface FigureOptions {
  title: string;
  /** What the picture shows, in words and numbers, for those who do not see it. */
  description: string;
  /** What stands beside the title: legends, remarks. */
  note?: Content;
  plot: PlotOptions;
}

/** A plot with its title and its description, as SVG inside the page; its colours are the page's. */
export function figure({ title, description, note, plot: options }: FigureOptions): Markup {
  const { document } = parseHTML("<!doctype html><html><body></body></html>");
  const svg = plot({ document, width: 460, height: 240, marginLeft: 56, marginRight: 16, marginBottom: 34, ...options });
  svg.setAttribute("role", "img"); // one picture: labels of its parts would only be read out
  for (const part of svg.querySelectorAll("g[aria-label]")) part.removeAttribute("aria-label");
  for (const [tag, text] of [["desc", description], ["title", title]]) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    element.textContent = text;
    svg.prepend(element);
  }
  return html`<figure><figcaption>${title} <span class="note">${note}</span></figcaption>${new Markup(svg.outerHTML)}</figure>
`;
}

/**
 * Lines of one plot differ in colour and in dashes. The page's colours are Okabe and Ito's, which colour-blind people tell
 * apart, darker on white so that a line keeps a contrast of 3 to 1.
 */
export const strokes = ["", "6 3", "2 2", "8 2 2 2", "12 3", "4 2 1 2"].map((dashes, i) => ({ stroke: `var(--series-${i + 1})`, strokeDasharray: dashes }));

/** A range that is wider than `ratio` and has no zero is drawn on a logarithmic scale. */
export const scaleFor = (values: readonly number[], ratio: number): "log" | "linear" => {
  const [least, largest] = extent(values);
  return least > 0 && largest > ratio * least ? "log" : "linear";
};

/** Least and largest. (There may be too many for the arguments of Math.min.) */
export function extent(values: readonly number[]): [number, number] {
  let [least, largest] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > largest) largest = value;
  }
  return [least, largest];
}
