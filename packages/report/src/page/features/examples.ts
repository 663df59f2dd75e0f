import { type ExampleData, type VocabularyData } from "../../html/featuresData.js";
import { element } from "./element.js";
import { groups, percent, shown, signed } from "./numbers.js";
import { tokenChip, visible } from "./tokenText.js";

/**
 * A piece of text with its tokens shaded by the feature's activation. It is one stop of the Tab key; arrow keys go through
 * the tokens on which the feature is active, and say how much.
 * @param options.largest the feature's largest activation, which has the deepest shade
 */
export function exampleItem(example: ExampleData, { largest, vocabulary, says }: { largest: number; vocabulary: VocabularyData; says: (text: string) => void }): HTMLElement {
  const { tokens, values, peak, row, position, ablation } = example;
  const active = new Map(groups(values, 2) as [number, number][]);
  const textOf = (token: number | string) => (typeof token === "string" ? token : (vocabulary[token] ?? `token ${token}`));
  const marks: HTMLElement[] = [];
  const parts = tokens.flatMap((token, i): Node[] => {
    const text = visible(textOf(token));
    const value = active.get(i);
    const breaks = textOf(token) === "\n" ? [element("br")] : [];
    if (value === undefined) return [document.createTextNode(text), ...breaks];
    const mark = element("mark", { tabindex: -1, "data-value": shown(value), class: i === peak && "peak" }, text);
    mark.style.setProperty("--share", String(Math.max(0.08, Math.min(1, value / (largest || 1)))));
    mark.addEventListener("focus", () => says(`${text.trim() === "" ? "blank" : text.trim()}: ${shown(value)}`));
    marks.push(mark);
    return [mark, ...breaks];
  });
  const strength = shown(active.get(peak) ?? 0);
  const text = element("p", { class: "text", dir: "auto", tabindex: 0, role: "group", "aria-label": `Row ${row}, token ${position}: ${strength} at the peak; arrow keys go through its active tokens` }, ...parts);
  text.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const at = marks.indexOf(document.activeElement as HTMLElement);
    marks[at < 0 ? (step > 0 ? 0 : marks.length - 1) : Math.max(0, Math.min(marks.length - 1, at + step))]?.focus();
  });
  return element("li", {}, element("div", { class: "strength" }, element("b", {}, strength), element("span", { class: "note" }, ` row ${row.toLocaleString("en")}, token ${position}`)), text, ablation && ablationLine(ablation, vocabulary));
}

/** What becomes of the next token once the feature is taken out. */
function ablationLine({ loss, falls, rises }: NonNullable<ExampleData["ablation"]>, vocabulary: VocabularyData): HTMLElement {
  const side = (word: string, list: readonly number[]) =>
    list.length > 0 && [
      ` ${word} `,
      groups(list, 3)
        .slice(0, 3)
        .map(([token, before, after], i) => [i > 0 && ", ", tokenChip(vocabulary[token] ?? `token ${token}`), ` ${percent(before)} → ${percent(after)}`]),
    ];
  const change = loss === null ? "" : ` the next token's loss changes by ${signed(loss)} nats;`;
  return element("p", { class: "note" }, `Taken out,${change}`, side("less likely:", falls), falls.length > 0 && rises.length > 0 && ";", side("more likely:", rises), falls.length + rises.length === 0 && " no token's probability changes");
}
