import type { Format, Reading, Row } from "./format.js";
import type { Shard } from "./shard.js";

/**
 * Apache Parquet, read by ranges: the footer, then one column, one row group after another. A place is a row group and
 * a row in it; of that group a file with a page index gives the pages that are needed, others the whole column.
 */
export const parquet: Format = { kind: "parquet", endings: [".parquet"], compressible: false, opensAt: "end", read };

/** What reads it is loaded when there is something to read: its libraries are larger than all the other formats. */
async function* read(shard: Shard, reading: Reading): AsyncGenerator<Row[]> {
  const { readParquet } = await import("./readParquet.js");
  yield* readParquet(shard, reading);
}
