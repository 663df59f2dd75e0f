// Fields of protocol buffer messages: https://protobuf.dev/programming-guides/encoding/

export type Field = Uint8Array;

const utf8 = new TextEncoder();

/** @param n a whole number from 0 to 2^53 - 1 */
export function varint(field: number, n: number): Field {
  return Uint8Array.from([...digits(8 * field), ...digits(n)]);
}

export function double(field: number, x: number): Field {
  return concat([Uint8Array.from(digits(8 * field + 1)), doubles([x])]);
}

export function float(field: number, x: number): Field {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, x, true);
  return concat([Uint8Array.from(digits(8 * field + 5)), bytes]);
}

export function bytes(field: number, data: Uint8Array): Field {
  return concat([Uint8Array.from([...digits(8 * field + 2), ...digits(data.length)]), data]);
}

export const text = (field: number, data: string): Field => bytes(field, utf8.encode(data));
export const message = (field: number, ...fields: readonly Field[]): Field => bytes(field, concat(fields));
/** A repeated double, packed. */
export const packed = (field: number, data: readonly number[]): Field => bytes(field, doubles(data));

export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function doubles(data: readonly number[]): Uint8Array {
  const all = new Uint8Array(8 * data.length);
  const view = new DataView(all.buffer);
  data.forEach((x, i) => view.setFloat64(8 * i, x, true));
  return all;
}

/** Seven bits a byte, the lowest first. */
function digits(n: number): number[] {
  const all: number[] = [];
  for (; n > 127; n = Math.floor(n / 128)) all.push((n % 128) + 128);
  return [...all, n];
}

/** The fields of a message, in its order: numbers of varints, bytes of everything else. @throws RangeError for a message that is cut off */
export function* fieldsOf(data: Uint8Array): Generator<{ field: number; value: number | Uint8Array }> {
  let at = 0;
  const number = () => {
    let n = 0;
    for (let unit = 1; ; unit *= 128) {
      if (at >= data.length) throw new RangeError("protobuf: expected a whole message, got its beginning");
      const digit = data[at++];
      n += (digit & 127) * unit;
      if (digit < 128) return n;
    }
  };
  while (at < data.length) {
    const key = number();
    const [field, wire] = [Math.floor(key / 8), key % 8];
    if (wire === 0) {
      yield { field, value: number() };
      continue;
    }
    const length = wire === 1 ? 8 : wire === 5 ? 4 : number();
    if (at + length > data.length) throw new RangeError("protobuf: expected a whole message, got its beginning");
    yield { field, value: data.subarray(at, (at += length)) };
  }
}
