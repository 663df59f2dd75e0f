import { Ahead } from "./ahead.js";
import { CorpusError } from "./corpusError.js";
import { beginning, checkCursor, fitOf, type Cursor, type Progress } from "./cursor.js";
import { formatOf } from "./formats.js";
import type { Shard } from "./shard.js";
import { blockCharacters, checkWindow, shuffled, type Shuffle } from "./shuffled.js";
import { Tally } from "./tally.js";

/** What a shard held, from where reading began in it. */
export interface ShardReport {
  readonly name: string;
  readonly texts: number;
  /** rows whose column is null (an empty cell, in CSV) */
  readonly nulls: number;
  readonly broken: number;
}

export interface TextOptions {
  /** the column of the texts; a member of an object or struct by dots, `meta.text`. Default `text` */
  readonly column?: string;
  readonly shuffle?: Shuffle;
  /** go on behind the text that came with it; it may have been through JSON */
  readonly cursor?: Cursor;
  /** called for the first five rows that are skipped because they are broken: `00.jsonl:17: expected a JSON object, got "{oops"` */
  onBroken?(row: string): void;
  /** called when a shard has been read to its end */
  onShard?(report: ShardReport): void;
}

export interface Text {
  readonly text: string;
  /** the place behind this text */
  readonly cursor: Cursor;
}

/**
 * The texts of a data set's shards, one shard after another, read while they are asked for.
 *
 * Rows without a text (null) are passed over; so are broken ones, up to 1 % of them.
 * @throws CorpusError while iterating. USAGE: no shards, a window or an order that is none. FORMAT: a file that is not
 *   what its name says or is cut off, a column that it does not have, too many broken rows, no text at all, a cursor of
 *   another reading. UNSUPPORTED: an ending or a kind of column that is not read. IO: a shard that ends early. Errors of
 *   a shard itself pass through.
 */
export async function* readTexts(shards: readonly Shard[], options: TextOptions = {}): AsyncGenerator<Text> {
  const { column = "text", shuffle, cursor } = options;
  if (shards.length === 0) throw new CorpusError("USAGE", "texts: expected shards, got none", "name the files of a data set");
  for (const { name } of shards) formatOf(name);
  if (shuffle) checkWindow(shuffle);
  const fit = await fitOf(shards, column);
  if (cursor !== undefined) checkCursor(cursor, fit, shards, shuffle?.window);

  const from = cursor ?? beginning;
  const batches = textBatches(shards, column, from, options);
  if (!shuffle) {
    for await (const batch of batches) {
      for (const { text, ...progress } of batch) yield { text, cursor: { ...fit, ...progress } };
    }
    return;
  }
  const { window } = shuffle;
  let { block, index } = cursor?.shuffle ?? { block: 0, index: 0 };
  for await (const { texts, start } of blocks(batches, from, window)) {
    if (index > texts.length) throw new CorpusError("FORMAT", `cursor: expected a text of a block of ${texts.length}, got ${index}`, "start without the cursor");
    const { shard, at, skip, row, rows, broken } = start;
    const ordered = shuffled(texts, shuffle, block);
    for (; index < ordered.length; index++) yield { text: ordered[index], cursor: { ...fit, shard, at, skip, row, rows, broken, shuffle: { window, block, index: index + 1 } } };
    block++;
    index = 0;
  }
}

type Placed = Progress & { readonly text: string };

/** Texts with the place behind each. */
async function* textBatches(shards: readonly Shard[], column: string, from: Progress, { onBroken, onShard }: TextOptions): AsyncGenerator<Placed[]> {
  const tally = new Tally(from, onBroken);
  const ahead = shards.map((shard) => new Ahead(shard));
  let any = from.rows > 0;
  try {
    for (let shard = from.shard; shard < shards.length; shard++) {
      const { name, byteLength } = shards[shard];
      const counts = { texts: 0, nulls: 0, broken: 0 };
      const place = shard === from.shard ? from : beginning;
      const following = ahead.slice(shard + 1).find((next) => next.byteLength > 0);
      const nearEnd = () => following?.open(formatOf(following.name).opensAt);
      const reading = byteLength > 0 ? formatOf(name).read(ahead[shard], { column, from: place, nearEnd }) : [];
      for await (const rows of reading) {
        const batch: Placed[] = [];
        for (const { text, fault, at, skip, row } of rows) {
          if (fault !== undefined) {
            counts.broken++;
            tally.addBroken(fault);
            continue;
          }
          tally.rows++;
          if (text === undefined) counts.nulls++;
          else batch.push({ text, shard, at, skip, row, rows: tally.rows, broken: tally.broken });
        }
        counts.texts += batch.length;
        any ||= batch.length > 0;
        if (batch.length > 0) yield batch;
      }
      ahead[shard].close();
      onShard?.({ name, ...counts });
    }
  } finally {
    for (const shard of ahead) shard.close();
  }
  if (!any) throw tally.nothing(column, shards.length === 1 ? shards[0].name : `${shards.length} shards`);
}

/** Blocks of texts with the place before each. */
async function* blocks(batches: AsyncIterable<Placed[]>, from: Progress, window: number): AsyncGenerator<{ texts: string[]; start: Progress }> {
  let start = from;
  let texts: string[] = [];
  let characters = 0;
  for await (const batch of batches) {
    for (const placed of batch) {
      texts.push(placed.text);
      characters += placed.text.length;
      if (texts.length < window && characters < blockCharacters) continue;
      yield { texts, start };
      start = placed;
      texts = [];
      characters = 0;
    }
  }
  if (texts.length > 0) yield { texts, start };
}
