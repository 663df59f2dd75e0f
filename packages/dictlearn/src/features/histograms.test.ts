import { seededNormal, seededUniform } from "@dictlearn/testing";
import { expect, test } from "vitest";
import { Histograms } from "./histograms.js";

/** Written straight: the width from the largest number, then every number into its bin. */
function straight(numbers: readonly number[]): { width: number; counts: number[] } {
  const largest = Math.max(...numbers);
  let width = 2 ** -200;
  while (largest >= 64 * width) width *= 2;
  const counts = Array.from({ length: 64 }, () => 0);
  for (const x of numbers) counts[Math.max(0, Math.floor(x / width))]++;
  return { width, counts: counts.slice(0, 1 + Math.max(...counts.map((n, bin) => (n > 0 ? bin : -1)))) };
}

test.each([
  ["of one magnitude", Array.from(seededUniform(1, 500), (x) => x + 0.1)],
  ["of many magnitudes", Array.from(seededNormal(2, 500), (x) => Math.fround(Math.exp(6 * x)))],
  ["powers of two, which are edges", [1, 2, 4, 8, 0.5, 64, 63.999996185302734, 128, 2 ** -20]],
  ["next to 0", [1e-40, 2e-45, 1e-38]],
  ["below 0 too, with the first", [-3, 0.25, -1e9, 5]],
])("numbers %s come to the same bins in any order, and none is lost", (_, numbers) => {
  const expected = straight(numbers);
  for (const order of [numbers, numbers.slice().reverse(), [...numbers].sort((a, b) => a - b)]) {
    const histograms = new Histograms(3);
    for (const x of order) histograms.add(1, x);
    expect(histograms.of(1)).toEqual(expected);
    expect(histograms.of(1).counts.reduce((sum, n) => sum + n)).toBe(numbers.length);
    expect([histograms.of(0), histograms.of(2)]).toEqual([{ width: 0, counts: [] }, { width: 0, counts: [] }]);
  }
});
