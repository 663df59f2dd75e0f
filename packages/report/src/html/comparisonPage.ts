import { type Reading } from "../reading.js";
import { html } from "./markup.js";

export function comparisonPage(readings: readonly Reading[], { written }: { written: string; sentences: number }): string {
  return html`${readings.length} ${written}`.text;
}
