/** The rows and columns of a heat map, to be put in another order. */
export function heatCells(table: HTMLTableElement): { arrange(rows: readonly number[], columns?: readonly number[]): void } {
  const [body] = table.tBodies;
  const head = table.tHead!.rows[0];
  const given = [head, ...body.rows].map((row) => ({ row, cells: [...row.cells].slice(1) }));
  return {
    arrange(rows, columns) {
      for (const { row, cells } of given) row.append(...(columns ? columns.map((column) => cells[column]) : cells));
      body.append(...rows.map((row) => given[row + 1].row));
    },
  };
}
