import { expect, test } from "vitest";
import { numberColumn } from "./numberColumn.js";

/** What tabulate 0.10 prints for such a column. */
test.each([
  [["12", "3.50"], ["12", "3.5"]],
  [["12", "3.50", "x"], ["12", "3.50", "x"]],
  [["0012", "+7", "1,000"], ["0012", "+7", "1,000"]],
  [["1,000", "2.5"], ["1000", "2.5"]],
  [["1e5", "True", ""], ["100000", "True", ""]],
  [["True", "False"], ["True", "False"]],
  [["1e999", "1.0"], ["1e999", "1.0"]],
  [["nan", "-inf", "infinity"], ["nan", "-inf", "infinity"]],
  [["NaN", "-Inf", "1_000"], ["nan", "-inf", "1000"]],
  [[" 2.50 ", ".5", "5."], ["2.5", "0.5", "5"]],
  [["1,00.5", "2.5"], ["1,00.5", "2.5"]],
  [["1234567", "0.5"], ["1.23457e+06", "0.5"]],
  [["0x10", "1.0"], ["0x10", "1.0"]],
])("%j is shown as %j", (texts, shown) => {
  expect(numberColumn(texts)).toEqual(shown);
});
