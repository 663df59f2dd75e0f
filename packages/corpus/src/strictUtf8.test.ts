import { expect, test } from "vitest";
import { strictUtf8 } from "./strictUtf8.js";

const bytes = (text: string) => new TextEncoder().encode(text);

async function* chunks(all: Uint8Array, size: number) {
  for (let at = 0; at < all.length; at += size) yield all.subarray(at, at + size);
}

async function decode(all: Uint8Array, size: number): Promise<string> {
  let text = "";
  for await (const part of strictUtf8(chunks(all, size), "notes.csv")) text += part;
  return text;
}

const sizes = [1, 2, 3, 5, 64];

test.each(sizes)("text in chunks of %i bytes is the text, without its byte order mark", async (size) => {
  const text = "naïve — 日本語 😀 \ufeff e\u0301 שלום\n\ufffd";
  expect(await decode(bytes(text), size)).toBe(text);
  expect(await decode(bytes("\ufeff" + text), size)).toBe(text);
  expect(await decode(bytes(""), size)).toBe("");
});

const invalid: [string, number[], string][] = [
  ["Latin-1", [...bytes("x日 caf"), 0xe9, 0x0a, 0x41, 0x41, 0x41], "byte 0xe9 at offset 8"],
  ["a lone continuation", [...bytes("ab😀"), 0x80, 0x41], "byte 0x80 at offset 6"],
  ["a byte that is never UTF-8", [0x41, 0xff], "byte 0xff at offset 1"],
  ["UTF-16 with its mark", [0xff, 0xfe, 0x41, 0x00], "byte 0xff at offset 0"],
  ["an overlong form", [0x41, 0xc0, 0xaf], "byte 0xc0 at offset 1"],
  ["half a surrogate pair", [0x41, 0xed, 0xa0, 0x80], "byte 0xed at offset 1"],
  ["a character cut off by the end", [...bytes("Well "), 0xf0, 0x9f, 0x98], "byte 0xf0 at offset 5"],
  ["a character cut off by another", [...bytes("Well "), 0xf0, 0x9f, 0xe6, 0x97, 0xa5], "byte 0xf0 at offset 5"],
];

test.each(invalid)("%s is refused with its place, however it is cut", async (_, all, place) => {
  for (const size of sizes) await expect(decode(Uint8Array.from(all), size)).rejects.toThrow(`notes.csv: expected UTF-8, got ${place}`);
});
