/**
 * One file of a data set, wherever it is: on a disk, behind a URL, in memory. The package opens and fetches nothing
 * itself. A shard must not change while cursors into it are kept.
 */
export interface Shard {
  /** what messages call it, and by its ending how it is read: `train/00.jsonl.zst` */
  readonly name: string;
  readonly byteLength: number;
  /**
   * The bytes from `start` (default 0) to the end, in chunks of any size; what it yields is not written to afterwards.
   * `return()` on the iterator closes it.
   */
  stream(start?: number): AsyncIterable<Uint8Array>;
  /** Bytes [start, end), for formats that are read by ranges (Parquet). */
  slice(start: number, end: number): Promise<ArrayBuffer>;
}

/** A Blob as a shard: a page's `File`, bytes in memory (`new Blob([bytes])`), a file on a disk (Node's `fs.openAsBlob`). */
export function blobShard(name: string, blob: Blob): Shard {
  return {
    name,
    byteLength: blob.size,
    stream: (start = 0) => blob.slice(start).stream(),
    slice: (start, end) => blob.slice(start, end).arrayBuffer(),
  };
}
