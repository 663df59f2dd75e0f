import { expect, test } from "vitest";
import { RowStore } from "./rowStore.js";

test("rows are found by their numbers while they are needed, and what is dropped makes room", () => {
  const store = new RowStore();
  const rowOf = (number: number) => Uint32Array.from({ length: 3000 + (number % 7) }, (_, t) => number + t);
  const needed = new Set<number>();
  for (let number = 0; number < 1000; number++) {
    if (number % 50 === 0) needed.add(number);
    store.add(number, rowOf(number));
    store.dropWhereLarge(() => new Set([...needed, number]));
  }
  for (const number of [...needed, 999]) expect(store.tokens(number)).toEqual(rowOf(number));
  expect(() => store.tokens(1)).toThrow("rowStore: expected row 1 to be kept, got none");
  expect(() => store.tokens(1000)).toThrow("got none");
  expect(store.state().tokens.length).toBeLessThan(2 ** 20 + 3006); // of 3 million
  store.drop(needed);
  const { numbers, start } = store.state();
  expect([Array.from(numbers), start.length]).toEqual([[...needed], needed.size + 1]);
  expect(RowStore.of(store.state()).state()).toEqual(store.state());
});
