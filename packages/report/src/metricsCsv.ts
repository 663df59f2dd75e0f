import { stringify } from "csv-stringify/browser/esm/sync"; // the build that runs in a page as well

/** Lines of a log as CSV: those of a header, and its own line first where it is asked for. What a line has not is empty. */
export function metricsCsv(header: readonly string[], lines: readonly Readonly<Record<string, number | null>>[], { withHeader }: { withHeader: boolean }): string {
  return stringify([...(withHeader ? [header] : []), ...lines.map((line) => header.map((name) => line[name] ?? null))]);
}
