// Parquet with one column of texts, put together by hand, so that every number in it may be a lie.

type Field = [id: number, type: number, bytes: number[]];
const varint = (value: number): number[] => {
  const bytes: number[] = [];
  for (let left = BigInt(value); ; left >>= 7n) {
    bytes.push(Number(left & 0x7fn) | (left > 0x7fn ? 0x80 : 0));
    if (left <= 0x7fn) return bytes;
  }
};
const zigzag = (value: number) => varint(value >= 0 ? 2 * value : -2 * value - 1);
const i32 = (id: number, value: number): Field => [id, 5, zigzag(value)];
const i64 = (id: number, value: number): Field => [id, 6, zigzag(value)];
const text = (id: number, value: string): Field => [id, 8, [...varint(value.length), ...new TextEncoder().encode(value)]];
const list = (id: number, type: number, elements: number[][], size = elements.length): Field => [id, 9, [0xf0 | type, ...varint(size), ...elements.flat()]];
const struct = (...fields: Field[]): number[] => {
  let last = 0;
  const bytes = fields.flatMap(([id, type, content]) => {
    const head = (id - last) * 16 + type;
    last = id;
    return [head, ...content];
  });
  return [...bytes, 0];
};

export interface TinyPage {
  /** As it lies in the file. */
  body: number[];
  /** What its header says. */
  count: number;
  size?: number;
  packed?: number;
  /** 0 plain, 8 by a dictionary, 7 by what texts share. */
  encoding?: number;
  dictionary?: true;
}

/** @param options.rows what the footer says; @param options.codec 0 none, 1 snappy, 6 zstd; @param options.lists a size for the footer's list of row groups; @param options.children what the column says it has of its own */
export function tinyParquet(pages: TinyPage[], { rows = 1, codec = 0, lists, children }: { rows?: number; codec?: number; lists?: number; children?: number } = {}): Uint8Array {
  const chunk = pages.flatMap(({ body, count, size = body.length, packed = body.length, encoding = 0, dictionary }) => [
    ...struct(i32(1, dictionary ? 2 : 0), i32(2, size), i32(3, packed), dictionary ? [7, 12, struct(i32(1, count), i32(2, 0))] : [5, 12, struct(i32(1, count), i32(2, encoding), i32(3, 3), i32(4, 3))]),
    ...body,
  ]);
  const column = struct(i32(1, 6), list(2, 5, [zigzag(0)]), list(3, 8, [[4, ...new TextEncoder().encode("text")]]), i32(4, codec), i64(5, rows), i64(6, 100), i64(7, chunk.length), i64(9, 4));
  const group = struct(list(1, 12, [struct(i64(2, 4), [3, 12, column])]), i64(2, 100), i64(3, rows));
  const schema = [struct(text(4, "root"), i32(5, 1)), struct(i32(1, 6), i32(3, 1), text(4, "text"), ...(children === undefined ? [i32(6, 0)] : [i32(5, children)]))];
  const footer = struct(i32(1, 1), list(2, 12, schema), i64(3, rows), list(4, 12, [group], lists));
  const magic = [...new TextEncoder().encode("PAR1")];
  return Uint8Array.from([...magic, ...chunk, ...footer, ...new Uint8Array(Uint32Array.of(footer.length).buffer), ...magic]);
}

/** One run of levels (1: there is a text), as long as it says, and its own length before. */
export const levels = (count: number, level = 1): number[] => {
  const run = [...varint(count * 2), level];
  return [run.length, 0, 0, 0, ...run];
};
export const run = (count: number, index: number): number[] => [...varint(count * 2), index];
export const plain = (value: string): number[] => [value.length, 0, 0, 0, ...new TextEncoder().encode(value)];
