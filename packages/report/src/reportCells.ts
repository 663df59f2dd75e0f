import { placeOf, type SentenceReport } from "./analysis.js";
import { formatG } from "./formatG.js";
import { type Statistics } from "./statistics.js";

/** The columns after Sentence, of the original vector and of the features. */
export const statisticsHeaders = ["Orig", "Sparse"].flatMap((vector) =>
  ["Mean", "Var", "Max Weight", "Max Pos"].map((statistic) => `${vector} ${statistic}`),
);

/** One text for each of `statisticsHeaders`; empty where a sentence has no tokens. */
export function statisticsCells({ original, sparse }: SentenceReport): string[] {
  return [original, sparse].flatMap(({ mean, variance, maxWeight, maxPosition }: Statistics) => [
    ...[mean, variance, maxWeight].map((value) => (value === null ? "" : formatG(value))),
    String(maxPosition ?? ""),
  ]);
}

export const topHeader = "Top Features";

/** `1024:3.2  17:1.1` */
export function topCell({ top }: SentenceReport): string {
  return top.map(({ feature, weight }) => `${feature}:${formatG(weight)}`).join("  ");
}

/** Columns after Sentence where rows are of several readings. */
export const placeHeaders = (row: SentenceReport | undefined): string[] => (placeOf(row) ? ["Site", "Dictionary"] : []);

export const placeCells = (row: SentenceReport): string[] => Object.values(placeOf(row) ?? {});
