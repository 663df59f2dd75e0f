/** Shades of a matrix. */
export const levels = 24;

/**
 * A matrix as SVG paths, one for each shade: a row of equal cells is a line, one unit wide. So a matrix takes a few bytes a
 * cell, and to reorder it is to set its paths.
 * @param cell in 0..1, or NaN: nothing is drawn
 * @returns `d` of `levels` paths, from the lightest on
 */
export function matrixPaths(order: readonly number[], cell: (row: number, column: number) => number): string[] {
  const paths = Array.from({ length: levels }, () => "");
  order.forEach((row, y) => {
    let [start, level] = [0, -1];
    for (let x = 0; x <= order.length; x++) {
      const next = x === order.length ? -1 : levelOf(cell(row, order[x]));
      if (next === level) continue;
      if (level >= 0) paths[level] += `M${start} ${y}h${x - start}`;
      [start, level] = [x, next];
    }
  });
  return paths;
}

const levelOf = (value: number) => (Number.isNaN(value) ? -1 : Math.round(Math.max(0, Math.min(1, value)) * (levels - 1)));
