/** Some bytes of a text and where they are: reading again from byte `at` of the file, `skip` bytes come before them. */
export interface Piece {
  readonly bytes: Uint8Array;
  readonly at: number;
  readonly skip: number;
}

/** A compression around a format. A new one is a file beside this one and a line in `compressions.ts`. */
export interface Compression {
  readonly ending: string;
  /**
   * The bytes inside, in pieces of a bounded size, made as they are asked for.
   * @param source the bytes of the file from byte `at` on, cut anywhere
   * @param at 0, or the `at` of an earlier piece
   */
  decompress(source: AsyncIterable<Uint8Array>, at: number, name: string): AsyncGenerator<Piece>;
}
