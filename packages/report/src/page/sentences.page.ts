import { Activations } from "./activations.js";
import { chosenFeature } from "./chosenFeature.js";
import { the } from "./elements.js";
import { filterTable } from "./filterTable.js";
import { heatReadout } from "./heatReadout.js";
import { order } from "./order.js";
import { roving } from "./roving.js";
import { type SentencesData } from "./sentencesData.js";
import { sortTable } from "./sortTable.js";
import { tokenPanel } from "./tokenPanel.js";

const data = JSON.parse(the("#data").textContent!) as SentencesData;
const status = the("[role=status]");
const say = (text: string) => void (status.textContent = text);
const all = <E extends HTMLElement>(selector: string, within: ParentNode = document) => [...within.querySelectorAll<E>(selector)];

const tokens = all(".tokens span");
const sentenceOf = data.tokens.flatMap((many, sentence) => Array.from({ length: many }, () => sentence));
const activations = new Activations(data);

document.documentElement.classList.add("live");
const choose = chosenFeature({ F: data.F, activations, tokens, sentenceOf, sentences: data.tokens.length, say });
tokenPanel({ activations, tokens, sentenceOf, say });
if (data.chosen !== null) choose(data.chosen);
say("");

roving(all(".tokens").map((sentence) => all("span", sentence)));
for (const basis of ["vector", "tokens"]) roving(all(`.sentences .bars.of-${basis}`).map((list) => all("button", list)));
for (const table of all<HTMLTableElement>(".heat")) roving([all("button", table)]);
order(data);
heatReadout(choose);
for (const table of all<HTMLTableElement>(".sortable")) {
  sortTable(table);
  filterTable(table, { input: the("#filter"), output: the("[for=filter]") });
}
