/** Shows the rows of a table that hold all the words that were typed, wherever in the row, and says how many there are. */
export function filterTable(table: HTMLTableElement, { input, output }: { input: HTMLInputElement; output: HTMLOutputElement }): void {
  const rows = [...table.tBodies[0].rows].map((row) => ({ row, text: row.textContent!.toLowerCase() }));
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    for (const { row, text } of rows) row.hidden = !words.every((word) => text.includes(word));
    const many = rows.filter(({ row }) => !row.hidden).length;
    output.textContent = words.length > 0 ? `${many} of ${rows.length} rows` : "";
  });
}
