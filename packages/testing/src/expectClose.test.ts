import { expect, test } from "vitest";
import { expectClose } from "./expectClose.js";

test("passes within absolute + relative·|expected|, and on equal NaN and infinities", () => {
  expectClose([100.9, 0.1, NaN, Infinity, -0], [100, 0, NaN, Infinity, 0], { absolute: 0.1, relative: 0.01 });
  expectClose([1, 2], [1, 2], {});
});

test("names the worst index and how many are out", () => {
  expect(() => expectClose([1, 2.5, 3.1], [1, 2, 3], { absolute: 0.01 })).toThrow(
    "got 2 of 3 outside; worst at 1: expected 2, got 2.5",
  );
});

test.each([
  ["NaN", [1e12, NaN], [1, 1]],
  ["an infinity of the other sign", [1, -Infinity], [1, Infinity]],
])("%s that was not expected is out", (_, actual, expected) => {
  expect(() => expectClose(actual, expected, { absolute: 1e9, relative: 1 })).toThrow("worst at 1");
});

test("lengths must agree", () => {
  expect(() => expectClose([1], [1, 2], { absolute: 1 })).toThrow("expected 2 values, got 1");
});
