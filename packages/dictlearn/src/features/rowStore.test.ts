import { expect, test } from "vitest";
import { RowStore } from "./rowStore.js";

const bytes = (array: Uint32Array) => Buffer.from(array.buffer, array.byteOffset, array.byteLength);

test("rows are found by their numbers while they are needed, and what is dropped makes room", () => {
  const store = new RowStore();
  const rowOf = (number: number) => Uint32Array.from({ length: 3000 + (number % 7) }, (_, t) => number + t);
  const needed = new Set<number>();
  for (let number = 0; number < 1000; number++) {
    if (number % 50 === 0) needed.add(number);
    store.add(number, rowOf(number));
    store.dropWhereLarge(() => new Set([...needed, number]));
  }
  for (const number of [...needed, 999]) expect(Buffer.compare(bytes(store.tokens(number)), bytes(rowOf(number)))).toBe(0);
  expect(() => store.tokens(1)).toThrow("rowStore: expected row 1 to be kept, got none");
  expect(() => store.tokens(1000)).toThrow("got none");
  expect(store.state().tokens.length).toBeLessThan(2 ** 20 + 3006); // of 3 million
  store.drop(needed);
  const { numbers, start } = store.state();
  expect([Array.from(numbers), start.length]).toEqual([[...needed], needed.size + 1]);
  const again = RowStore.of(store.state()).state();
  expect(Object.entries(store.state()).map(([name, array]) => Buffer.compare(bytes(array), bytes(again[name as "tokens"])))).toEqual([0, 0, 0]);
});
