import { rectY, ruleY } from "@observablehq/plot";
import { type FeatureDensity } from "../featureDensity.js";
import { extent, figure } from "./figure.js";
import { type Markup } from "./markup.js";

/** How many features are active how often. @param of what was looked at: "unseen tokens" */
export function densityFigure({ tokens, silent, log10, features }: FeatureDensity, of: string, height?: number): Markup | undefined {
  if (log10.length === 0) return undefined;
  const bins = log10.map((low, i) => ({ low, high: low + 0.25, features: features[i] }));
  const [, largest] = extent(features);
  return figure({
    title: "Feature density",
    description: `How many features are active on which share of ${tokens.toLocaleString("en")} tokens. ${bins.filter(({ features }) => features > 0).map(({ low, high, features }) => `log10 ${low} to ${high}: ${features}`).join("; ")}. Never active: ${silent}.`,
    note: `share of ${tokens.toLocaleString("en")} ${of}; ${silent.toLocaleString("en")} features were active on none`,
    plot: {
      ...(height !== undefined && { height }),
      x: { label: "log10 of the share of tokens that a feature is active on" },
      y: { label: "features", grid: true, domain: [0, largest], nice: true },
      marks: [rectY(bins, { x1: "low", x2: "high", y: "features", fill: "var(--series-1)", inset: 0.5 }), ruleY([0])],
    },
  });
}
