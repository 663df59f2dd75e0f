import { type Provenance, type Sentences, type SweepRow, written } from "./analysis.js";
import { type ReadingMetrics } from "./reading.js";

/** One of several readings: a dictionary at a site, and how well it describes the tokens that were read. */
export interface ReadingSummary {
  site: string;
  dictionary: string;
  D: number;
  F: number;
  /** null for a transcoder, and where no token was read */
  metrics: ReadingMetrics | null;
}

/** What `formatSweepJson` writes. */
export interface SweepAnalysis extends Omit<Provenance, "site" | "dictionary"> {
  /** one for each sentence and reading */
  sentences: SweepRow[];
  readings: ReadingSummary[];
}

/**
 * A `SweepAnalysis` as one JSON document, written as the rows come, each on a line of its own.
 * @param readings asked for at the end, when all has been measured
 */
export async function* formatSweepJson({ model, pooling, device }: Omit<Provenance, "site" | "dictionary">, rows: Sentences, readings: () => readonly ReadingSummary[]): AsyncGenerator<string> {
  yield JSON.stringify({ model, pooling, device, sentences: [] }, null, 2).slice(0, -"]\n}".length);
  let before = "\n    ";
  for await (const row of rows) {
    yield before + JSON.stringify(written(row));
    before = ",\n    ";
  }
  const lines = readings().map((reading) => `\n    ${JSON.stringify(reading)}`);
  yield `\n  ],\n  "readings": [${lines.join(",")}\n  ]\n}\n`;
}
