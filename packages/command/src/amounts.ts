/** 1,234,567 */
export const count = (n: number): string => n.toLocaleString("en");

/** 20.5 GB, 12 MB, 3 kB */
export function sizeOf(bytes: number): string {
  const [unit, name] = [[1e9, "GB"] as const, [1e6, "MB"] as const].find(([unit]) => bytes >= unit) ?? ([1e3, "kB"] as const);
  return `${(bytes / unit).toLocaleString("en", { maximumFractionDigits: unit === 1e9 ? 1 : 0 })} ${name}`;
}
