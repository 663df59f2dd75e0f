import { the } from "./elements.js";

/** Says which cell of a heat map is under the pointer, and chooses its feature when it is clicked. (By keyboard the columns' headers do.) */
export function heatReadout(choose: (feature: number) => void): void {
  const readout = the(".heat-readout");
  for (const table of document.querySelectorAll<HTMLTableElement>(".heat")) {
    const featureOf = ({ cellIndex }: HTMLTableCellElement) => Number(table.tHead!.rows[0].cells[cellIndex].textContent);
    table.addEventListener("pointerover", ({ target }) => {
      const cell = (target as Element).closest("td");
      if (cell) readout.textContent = `Sentence ${(cell.parentElement as HTMLTableRowElement).cells[0].querySelector("a")!.textContent}, feature ${featureOf(cell)}: ${cell.textContent || 0}`;
    });
    table.addEventListener("click", ({ target }) => {
      const cell = (target as Element).closest("td");
      if (cell) choose(featureOf(cell));
    });
  }
}
