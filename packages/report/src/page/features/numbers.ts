/** Three digits, as people read them: 0.0123, 4.56, 1,234. */
export function shown(x: number): string {
  if (x === 0) return "0";
  const size = Math.abs(x);
  if (size >= 1000) return Math.round(x).toLocaleString("en");
  if (size < 1e-4) return x.toExponential(1).replace("-", "−").replace("e-", "e−");
  return Number(x.toPrecision(3)).toString().replace("-", "−");
}

/** 12.3%, 0.0041% */
export const percent = (share: number): string => `${shown(100 * share)}%`;

/** +0.12, −0.3 */
export const signed = (x: number): string => (x > 0 ? `+${shown(x)}` : shown(x));

/** What comes in pairs or threes, one after another. */
export function groups(list: readonly number[], size: number): number[][] {
  return Array.from({ length: Math.floor(list.length / size) }, (_, i) => list.slice(size * i, size * (i + 1)));
}
