import { type Basis } from "./basis.js";
import { fromBase64 } from "./base64.js";
import { heatCells } from "./heatCells.js";
import { matrices } from "./matrix.js";
import { type SentencesData } from "./sentencesData.js";
import { the } from "./elements.js";

/** Heat maps and matrices in the order that is chosen: as given, or with what is similar together. */
export function order({ rows, cosines, sentenceOrders, featureOrders }: SentencesData): void {
  const given = Array.from({ length: rows }, (_, i) => i);
  const select = the<HTMLSelectElement>("#order");
  const basis = the<HTMLSelectElement>("#basis");
  const cells = matrices([...document.querySelectorAll<HTMLElement>(".matrix")].map((element) => ({ element, values: new Float32Array(fromBase64(cosines[element.dataset.space as Basis])) })), rows);
  const heats = [...document.querySelectorAll<HTMLTableElement>(".heat")].map((table) => ({ table: heatCells(table), basis: table.dataset.basis as Basis }));

  function arrange(): void {
    const by = select.value as "given" | "features" | "original";
    const sentences = by === "given" ? given : sentenceOrders[by === "original" ? by : (basis.value as Basis)];
    cells.arrange(sentences);
    for (const { table, basis } of heats) table.arrange(by === "given" ? given : sentenceOrders[by === "original" ? by : basis], by === "given" ? undefined : featureOrders[basis]);
  }
  select.addEventListener("change", arrange);
  basis.addEventListener("change", arrange);
}
