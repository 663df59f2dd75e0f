import { expect, test } from "vitest";
import { crc32c } from "./crc32c.js";
import { bytes, concat, double, fieldsOf, float, message, packed, text, varint } from "./protobuf.js";
import { record, recordsIn } from "./records.js";

const ascii = (word: string) => new TextEncoder().encode(word);

test.each([
  ["123456789", ascii("123456789"), 0xe3069283],
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 ones", new Uint8Array(32).fill(255), 0x62a8ab43],
  ["0 to 31", Uint8Array.from({ length: 32 }, (_, i) => i), 0x46dd794e],
  ["31 to 0", Uint8Array.from({ length: 32 }, (_, i) => 31 - i), 0x113fdb5c],
  ["nothing", new Uint8Array(), 0],
])("crc32c of %s is that of RFC 3720", (_, data, expected) => {
  expect(crc32c(data)).toBe(expected);
});

test.each([
  [varint(1, 150), [0x08, 0x96, 0x01]], // the example of the encoding's documentation
  [text(2, "testing"), [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67]],
  [message(3, varint(1, 150)), [0x1a, 0x03, 0x08, 0x96, 0x01]],
  [float(4, 1), [0x25, 0, 0, 0x80, 0x3f]],
  [double(16, -2), [0x81, 0x01, 0, 0, 0, 0, 0, 0, 0, 0xc0]],
  [packed(6, [0.5]), [0x32, 8, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f]],
  [varint(2, 2 ** 53 - 1), [0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]],
])("a field is encoded as protocol buffers are: %j", (field, expected) => {
  expect([...field]).toEqual(expected);
});

test("fields are read as they were written; of a message that is cut off no field is made up", () => {
  const all = concat([varint(1, 2 ** 40), double(2, 3), float(3, 4), bytes(300, ascii("abc"))]);
  expect([...fieldsOf(all)].map(({ field, value }) => [field, typeof value === "number" ? value : value.length])).toEqual([[1, 2 ** 40], [2, 8], [3, 4], [300, 3]]);
  expect(() => [...fieldsOf(all.subarray(0, -1))]).toThrow(RangeError);
});

test("records are read up to the first that is cut off or damaged, wherever that is", () => {
  const words = ["one", "", "three"].map(ascii);
  const file = concat(words.map(record));
  const read = (data: Uint8Array) => [...recordsIn(data)].map((word) => new TextDecoder().decode(word));
  expect(read(file)).toEqual(["one", "", "three"]);
  const ends = [19, 35, 56];
  for (let length = 0; length < file.length; length++) expect(read(file.subarray(0, length)).length).toBe(ends.filter((end) => end <= length).length);
  for (let at = 0; at < file.length; at++) {
    const damaged = Uint8Array.from(file, (byte, i) => (i === at ? byte ^ 4 : byte));
    expect(read(damaged).length).toBe(ends.filter((end) => end <= at).length);
  }
});
