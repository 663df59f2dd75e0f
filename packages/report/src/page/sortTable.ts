/**
 * Makes a table sortable: each column's header holds a button, which sorts by that column, and the other way round when
 * it has done so. What is sorted by is the number of a cell's `<data value>`, else its text. Empty cells (`–`) come last.
 */
export function sortTable(table: HTMLTableElement): void {
  const headers = [...table.tHead!.rows[0].cells];
  const body = table.tBodies[0];
  headers.forEach((header, column) => {
    header.querySelector("button")!.addEventListener("click", () => {
      const down = header.ariaSort === "ascending";
      for (const other of headers) other.removeAttribute("aria-sort");
      header.ariaSort = down ? "descending" : "ascending";
      const rows = [...body.rows].map((row) => ({ row, key: keyOf(row.cells[column]) }));
      rows.sort((a, b) => compare(a.key, b.key, down ? -1 : 1));
      body.append(...rows.map(({ row }) => row));
    });
  });
}

type Key = number | string | undefined;

function keyOf(cell: HTMLTableCellElement): Key {
  const number = cell.querySelector<HTMLDataElement>("data")?.value;
  if (number !== undefined) return Number(number);
  const text = cell.textContent!.trim();
  return text === "" || text === "–" ? undefined : text;
}

function compare(a: Key, b: Key, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b));
}
