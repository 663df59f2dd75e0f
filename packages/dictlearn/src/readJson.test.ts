import fc from "fast-check";
import { expect, test } from "vitest";
import { type Folder } from "./folder.js";
import { readJson } from "./readJson.js";

const folderOf = (text: string): Folder => ({ name: "model", text: async () => text, has: async () => true, local: async (path) => path });
const read = (text: string) => readJson(folderOf(text), "config.json");
const levels = (value: unknown): number => (typeof value === "object" && value !== null ? 1 + Math.max(0, ...Object.values(value).map(levels)) : 0);
const tooDeep = { code: "FORMAT", message: "model/config.json: expected at most 64 levels of JSON, got more" };

test("64 levels of objects and lists are read, 65 are not", async () => {
  const nested = (n: number) => `{"a":`.repeat(n) + "1" + "}".repeat(n);
  const lists = (n: number) => `{"a":${"[".repeat(n - 1)}${"]".repeat(n - 1)}}`;
  for (const make of [nested, lists]) {
    expect(levels(await read(make(64)))).toBe(64);
    await expect(read(make(65))).rejects.toMatchObject(tooDeep);
  }
});

test("brackets, quotes and backslashes in texts and names are letters", async () => {
  const odd = ["[".repeat(100), "{".repeat(100), '"[', "\\", '\\"[', "]}", "\\\\", "\u2028{"];
  const value = Object.fromEntries(odd.map((text) => [text, odd]));
  expect(await read(JSON.stringify(value, null, 2))).toEqual(value);
});

test("any JSON is read or refused by its levels", async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 6 })), fc.nat({ max: 70 }), fc.nat({ max: 3 }), async (inner, around, space) => {
      let value: Record<string, unknown> = inner;
      for (let n = 0; n < around; n++) value = { '"]\\': value };
      const reading = read(JSON.stringify(value, null, space));
      if (levels(value) > 64) await expect(reading).rejects.toMatchObject(tooDeep);
      else expect(await reading).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
