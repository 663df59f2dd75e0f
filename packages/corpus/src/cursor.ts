import { CorpusError } from "./corpusError.js";
import type { Shard } from "./shard.js";
import { shown } from "./shown.js";

/** A place in one shard: behind one of its rows. What `at` and `skip` count is the format's own. */
export interface Place {
  /** where reading starts again: the byte of a compressed frame; 0 if not compressed; the row group of Parquet */
  readonly at: number;
  /** bytes (rows, for Parquet and JSON arrays) to pass over from there */
  readonly skip: number;
  /** rows of the shard before this place (lines, for formats of lines) */
  readonly row: number;
}

/** A place in all shards, and what has been counted on the way there. */
export interface Progress extends Place {
  /** index of the shard */
  readonly shard: number;
  /** rows read before, in all shards, and how many of them were broken */
  readonly rows: number;
  readonly broken: number;
}

/** What a cursor fits. */
export interface Fit {
  readonly version: 1;
  /** SHA-256 over names and sizes of all shards in order, the first 16 digits */
  readonly shards: string;
  readonly column: string;
}

/**
 * The place behind a text: plain JSON, about 150 bytes. It fits the shards (their names and sizes, in order), the
 * column and the window of shuffling that it was made with. Its members may change between versions of the package:
 * keep it whole.
 */
export interface Cursor extends Progress, Fit {
  /** where texts are shuffled: the progress is that of the start of a block, and `index` of its texts have been given */
  readonly shuffle?: { readonly window: number; readonly block: number; readonly index: number };
}

export const beginning: Progress = { shard: 0, at: 0, skip: 0, row: 0, rows: 0, broken: 0 };

/** What cursors of this reading fit. */
export async function fitOf(shards: readonly Shard[], column: string): Promise<Fit> {
  const listed = JSON.stringify(shards.map(({ name, byteLength }) => [name, byteLength]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(listed)));
  return { version: 1, shards: Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, "0")).join(""), column };
}

/** @throws CorpusError FORMAT for what is no cursor, or one of another reading */
export function checkCursor(cursor: unknown, fit: Fit, shards: readonly Shard[], window: number | undefined): asserts cursor is Cursor {
  const given = (typeof cursor === "object" && cursor !== null ? cursor : {}) as Partial<Record<keyof Cursor, unknown>>;
  const wrong = (expected: string, got: unknown, remedy: string) => new CorpusError("FORMAT", `cursor: expected ${expected}, got ${shown(got)}`, remedy);
  const whole = "pass on a cursor as it came with a text";
  if (given.version !== fit.version) throw wrong(`version ${fit.version}`, given.version, whole);
  if (given.shards !== fit.shards) throw wrong(`one of these ${shards.length} shards (${fit.shards})`, given.shards, "give the same shards in the same order, or start without the cursor");
  if (given.column !== fit.column) throw wrong(`one of column ${JSON.stringify(fit.column)}`, given.column, "read the same column, or start without the cursor");
  for (const name of ["shard", "at", "skip", "row", "rows", "broken"] as const) {
    if (!isCount(given[name])) throw wrong(`${name} to be a whole number`, given[name], whole);
  }
  if ((given.shard as number) >= shards.length) throw wrong(`a shard below ${shards.length}`, given.shard, whole);
  const shuffle = given.shuffle as Partial<NonNullable<Cursor["shuffle"]>> | undefined;
  if (shuffle?.window !== window) throw wrong(window === undefined ? "one without shuffling" : `one of shuffling by ${window}`, shuffle?.window, "shuffle as before, or start without the cursor");
  if (shuffle && !(isCount(shuffle.block) && isCount(shuffle.index))) throw wrong("a place in a shuffled block", shuffle, whole);
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;
