import { placeOf, type SweepRow } from "./analysis.js";
import { type SentenceDetail } from "./reading.js";

/** A token as a row of a table, under the names of its columns. */
export interface TokenRow {
  /** of several readings: where */
  site?: string;
  dictionary?: string;
  /** which sentence, from 0: the row of the CSV as pandas counts it */
  sentence: number;
  /** which token of it, from 0 */
  position: number;
  token_id: number;
  /** as it stands in the sentence; "" where a later token completes its character */
  token: string;
  /** active features, ascending, and how strongly each is active */
  features: number[];
  values: number[];
}

/** The rows of a sentence, one for each token. @param sentence its number, from 0 */
export function tokenRows(detail: SentenceDetail | (SentenceDetail & SweepRow), sentence: number): TokenRow[] {
  const place = placeOf(detail);
  return detail.perToken.map(({ id, text, features: { index, values } }, position) => ({ ...place, sentence, position, token_id: id, token: text, features: Array.from(index), values: Array.from(values) }));
}

/** Rows as a file of some format: what `add` and `end` return is what comes next in it. */
export interface TokenFormat {
  add(rows: readonly TokenRow[]): string | Uint8Array;
  end(): string | Uint8Array;
}
