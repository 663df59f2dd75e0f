/** @returns median, quartiles and least of a list, to four digits */
export function summary(list) {
  const sorted = list.toSorted((a, b) => a - b);
  const at = (part) => {
    const place = part * (sorted.length - 1);
    const [low, high] = [sorted[Math.floor(place)], sorted[Math.ceil(place)]];
    return Number((low + (high - low) * (place % 1)).toPrecision(4));
  };
  return { median: at(0.5), quartiles: [at(0.25), at(0.75)], least: at(0) };
}
