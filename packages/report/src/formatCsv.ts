import { stringify } from "csv-stringify/browser/esm/sync"; // the build that runs in a page as well
import { placeOf, type SentenceReport, type Sentences } from "./analysis.js";

/** The columns, always all of them: `top` is empty where nobody asked for the strongest features. Of several readings `site` and `dictionary` come first. */
export const csvColumns = [
  "sentence", "tokens",
  "orig_mean", "orig_var", "orig_max_weight", "orig_max_pos",
  "sparse_mean", "sparse_var", "sparse_max_weight", "sparse_max_pos", "sparse_l0",
  "top",
] as const;

/**
 * CSV with a header (RFC 4180, \n line ends), written as the sentences come. Numbers have all their digits; statistics
 * of a sentence without tokens are empty; `top` is `1024:3.25 17:1.5`. A sentence stands as it is, also one that starts
 * with `=`, `+`, `-` or `@`: a spreadsheet may take it for a formula.
 */
export async function* formatCsv(sentences: Sentences): AsyncGenerator<string> {
  let header = true;
  for await (const sentence of sentences) {
    const place = placeOf(sentence);
    if (header) yield stringify([[...(place ? Object.keys(place) : []), ...csvColumns]]);
    header = false;
    yield stringify([[...(place ? Object.values(place) : []), ...cells(sentence)]]);
  }
  if (header) yield stringify([csvColumns]);
}

function cells({ sentence, tokens, original, sparse, top }: SentenceReport): (string | number | null)[] {
  return [
    sentence, tokens,
    original.mean, original.variance, original.maxWeight, original.maxPosition,
    sparse.mean, sparse.variance, sparse.maxWeight, sparse.maxPosition, sparse.l0,
    top.map(({ feature, weight }) => `${feature}:${weight}`).join(" "),
  ];
}
