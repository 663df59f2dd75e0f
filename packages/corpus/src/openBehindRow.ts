import type { Piece } from "./compression.js";
import { CorpusError } from "./corpusError.js";
import type { Place } from "./cursor.js";
import { openBytes } from "./openBytes.js";
import type { Shard } from "./shard.js";

/**
 * The bytes of a text behind one of its rows.
 * @param from 0, or where the byte before ends a row
 * @param ends the bytes that may end one; the last row may have none
 * @throws CorpusError FORMAT for a place that is behind no row: a cursor of another file
 */
export async function* openBehindRow(shard: Shard, from: Place, ends: readonly number[], nearEnd: () => void): AsyncGenerator<Piece> {
  if (from.skip === 0) {
    if (from.at > 0) throw elsewhere(shard);
    return yield* openBytes(shard, from, nearEnd);
  }
  let checked = false;
  let over = false; // the byte before is the last one of the file
  for await (const piece of openBytes(shard, { at: from.at, skip: from.skip - 1 }, nearEnd)) {
    if (checked) {
      if (over) throw elsewhere(shard);
      yield piece;
      continue;
    }
    checked = true;
    over = !ends.includes(piece.bytes[0]);
    if (over && piece.bytes.length > 1) throw elsewhere(shard);
    yield { ...piece, bytes: piece.bytes.subarray(1), skip: piece.skip + 1 };
  }
  if (!checked) throw elsewhere(shard);
}

function elsewhere({ name }: Shard): CorpusError {
  return new CorpusError("FORMAT", `${name}: expected a cursor behind one of its rows, got a place that is behind none`, "start without the cursor");
}
