import type { Place } from "./cursor.js";
import type { Shard } from "./shard.js";

/** What a row holds: a text, a fault in words (`00.jsonl:17: expected a JSON object, got "{oops"`), or neither: null. */
export type Cell = { readonly text: string; readonly fault?: undefined } | { readonly text?: undefined; readonly fault?: string };

/** A row and the place behind it. */
export type Row = Cell & Place;

export interface Reading {
  readonly column: string;
  /** where to go on; its numbers are whole and not negative, and nothing more is known of them */
  readonly from: Place;
  /** to be called once little of the shard is left to fetch */
  nearEnd(): void;
}

/** A kind of file. A new one is a file beside this one and a line in `formats.ts`. */
export interface Format {
  /** the same for formats whose files belong together in a data set */
  readonly kind: "csv" | "jsonl" | "parquet" | "text";
  /** `.jsonl`, in lower case */
  readonly endings: readonly string[];
  /** whether a compression (`.jsonl.zst`) may be around it; it is then read through `stream` only */
  readonly compressible: boolean;
  /** which end of the file is read first */
  readonly opensAt: "start" | "end";
  /**
   * The rows of a shard behind a place, in batches, so that there is one promise for many texts.
   * @throws CorpusError while iterating, where the shard as a whole is at fault
   */
  read(shard: Shard, reading: Reading): AsyncGenerator<Row[]>;
}

export const start: Place = { at: 0, skip: 0, row: 0 };
