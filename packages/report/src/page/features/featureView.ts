import { type FeatureData, type IndexData, type VocabularyData } from "../../html/featuresData.js";
import { bars } from "./bars.js";
import { element } from "./element.js";
import { exampleItem } from "./examples.js";
import { groups, percent, shown } from "./numbers.js";
import { tokenChip } from "./tokenText.js";

export interface ViewOptions {
  index: number;
  F: number;
  hasLens: boolean;
  list: IndexData;
  vocabulary: VocabularyData;
}

/** All that is known of a feature. */
export function featureView(feature: FeatureData, { index, F, hasLens, list, vocabulary }: ViewOptions): HTMLElement[] {
  const { count, max, mean, examples, samples } = feature;
  const heading = element("h2", { id: "title", tabindex: -1 }, `Feature ${index}`);
  const to = (other: number, text: string, key: string) => (other < 0 || other >= F ? element("span", { class: "quiet" }, text) : element("a", { href: `#${other}`, "aria-keyshortcuts": key }, text));
  const ways = element("nav", { "aria-label": "Features", class: "ways" }, element("a", { href: "#", "aria-keyshortcuts": "Escape" }, "All features"), " ", to(index - 1, "Previous", "p"), " ", to(index + 1, "Next", "n"));
  const facts = element(
    "dl",
    { class: "facts" },
    ...[
      ["Density", `${percent(count / list.tokens)} of tokens`, `${count.toLocaleString("en")} of ${list.tokens.toLocaleString("en")}`],
      ["Largest", shown(max), ""],
      ["Mean if active", shown(mean), ""],
    ].map(([name, value, more]) => element("div", {}, element("dt", {}, name), element("dd", {}, value, more !== "" && element("span", { class: "note" }, ` ${more}`)))),
  );
  const says = (text: string) => void (spoken.textContent = text);
  const spoken = element("p", { role: "status", class: "hidden" });
  const texts = (title: string, id: string, all: FeatureData["examples"], note: string) =>
    all.length > 0 && element("section", { "aria-labelledby": id }, element("h3", { id }, title, " ", element("span", { class: "note" }, note)), element("ol", { class: "examples" }, ...all.map((example) => exampleItem(example, { largest: max, vocabulary, says }))));
  const tokens = hasLens && [tokenTable("Promotes", "logit", feature.promoted, vocabulary), tokenTable("Suppresses", "logit", feature.suppressed, vocabulary)];
  return [
    ways,
    heading,
    ...(count === 0 ? [element("p", {}, "This feature was active on none of the tokens that were read, so there are no examples. What follows from its decoder row is told all the same.")] : [facts]),
    element("div", { class: "panels" }, element("div", {}, count > 0 && bars({ width: feature.width, bins: feature.bins }), nearest(feature, list, vocabulary)), tokens),
    texts("Strongest examples", "strongest", examples, "one a row of the corpus"),
    texts("Others at random", "others", samples, "of all rows in which it is active"),
    spoken,
  ].filter((part) => part !== false);
}

function tokenTable(title: string, unit: string, pairs: readonly number[], vocabulary: VocabularyData): HTMLElement {
  const rows = groups(pairs, 2).map(([token, weight]) => element("tr", {}, element("th", { scope: "row" }, tokenChip(vocabulary[token] ?? `token ${token}`)), element("td", {}, shown(weight))));
  return element("table", { class: "tokens" }, element("caption", {}, title), element("thead", { class: "hidden" }, element("tr", {}, element("th", { scope: "col" }, "token"), element("th", { scope: "col" }, unit))), element("tbody", {}, ...rows));
}

function nearest({ nearest }: FeatureData, { peaks, count }: IndexData, vocabulary: VocabularyData): HTMLElement {
  const rows = groups(nearest, 2).map(([index, cosine]) =>
    element("tr", {}, element("th", { scope: "row" }, element("a", { href: `#${index}` }, String(index))), element("td", {}, shown(cosine)), element("td", { class: "left" }, count[index] === 0 ? element("span", { class: "quiet" }, "never active") : peaks[index].map((token, i) => [i > 0 && " ", tokenChip(vocabulary[token] ?? "")]))),
  );
  if (rows.length === 0) rows.push(element("tr", {}, element("td", { class: "left", colspan: 3 }, "No other decoder row points the same way.")));
  return element("table", { class: "nearest" }, element("caption", {}, "Nearest features"), element("thead", { class: "hidden" }, element("tr", {}, element("th", { scope: "col" }, "feature"), element("th", { scope: "col" }, "cosine"), element("th", { scope: "col" }, "fires most on"))), element("tbody", {}, ...rows));
}
