/** @returns median, quartiles and least of a list */
export function summary(list) {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (part) => Number(sorted[Math.round(part * (sorted.length - 1))].toPrecision(4));
  return { median: at(0.5), quartiles: [at(0.25), at(0.75)], least: at(0) };
}
